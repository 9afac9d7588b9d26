// The rules of the optimizers, number by number.  All change in place; dw is only read.

#define HERE int i = blockIdx.x * blockDim.x + threadIdx.x; if (i >= count) return;

const int MOST = 60;

// Number i of the flat array is number i - starts[k] of array k, for starts[k] <= i < starts[k + 1]
struct Parts {
  const float* arrays[MOST];
  int starts[MOST + 1];
};

extern "C" __global__ void gather(Parts parts, float* flat, int count) {
  HERE
  int k = 0;
  while (i >= parts.starts[k + 1]) k++;
  flat[i] = parts.arrays[k][i - parts.starts[k]];
}

// velocity: null without momentum
extern "C" __global__ void sgd(
    float* w, const float* dw, float* velocity, float momentum, int nesterov, float lr,
    int count) {
  HERE
  float change = dw[i];
  if (velocity) {
    velocity[i] = momentum * velocity[i] + dw[i];
    change = nesterov ? dw[i] + momentum * velocity[i] : velocity[i];
  }
  w[i] -= lr * change;
}

extern "C" __global__ void adam(
    float* w, const float* dw, float* m, float* v, float beta_1, float beta_2, float rest_1,
    float rest_2, float alpha, float epsilon, int count) {
  HERE
  m[i] = beta_1 * m[i] + rest_1 * dw[i];
  v[i] = beta_2 * v[i] + rest_2 * dw[i] * dw[i];
  w[i] -= alpha * m[i] / (sqrtf(v[i]) + epsilon);
}

// velocity: null without momentum
extern "C" __global__ void rmsprop(
    float* w, const float* dw, float* square, float* velocity, float rho, float rest,
    float momentum, float lr, float epsilon, int count) {
  HERE
  square[i] = rho * square[i] + rest * dw[i] * dw[i];
  float change = lr * dw[i] / sqrtf(square[i] + epsilon);
  if (velocity) change = velocity[i] = momentum * velocity[i] + change;
  w[i] -= change;
}
