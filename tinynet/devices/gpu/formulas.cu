// Formulas of activations and losses, number by number.

#define HERE int i = blockIdx.x * blockDim.x + threadIdx.x; if (i >= count) return;

// exp(x), where larger x count as 88: there it is still finite.  A NaN stays.
__device__ float finite_exp(float x) { return expf(x > 88 ? 88 : x); }

extern "C" __global__ void sigmoid_and_rest(const float* x, float* y, float* rest, int count) {
  HERE
  float e = finite_exp(x[i]);
  y[i] = e / (1 + e);
  rest[i] = 1 / (1 + e);
}

extern "C" __global__ void sigmoid_slope_times(
    const float* dy, const float* y, const float* rest, float* dx, int count) {
  HERE
  dx[i] = dy[i] * y[i] * rest[i];
}

extern "C" __global__ void tanh_slope_times(
    const float* dy, const float* x, float* dx, int count) {
  HERE
  float e = expf(-2 * fabsf(x[i]));
  dx[i] = dy[i] * (4 * e / ((1 + e) * (1 + e)));
}

// factor: one number

extern "C" __global__ void difference(
    const float* a, const float* b, const float* factor, float* y, int count) {
  HERE
  y[i] = *factor * (a[i] - b[i]);
}

extern "C" __global__ void bce_slope(
    const float* z, const float* target, const float* factor, float* dz, int count) {
  HERE
  float e = finite_exp(z[i]);
  dz[i] = *factor * ((e * (1 - target[i]) - target[i]) / (1 + e));
}
