// The rows of an array (..., C), number by number: a thread computes one of the result.

#define HERE int i = blockIdx.x * blockDim.x + threadIdx.x; if (i >= count) return;

// y += bias (C,), then relu if asked for; no bias: it is null
extern "C" __global__ void add_bias(const float* bias, int relu, float* y, int count) {
  HERE
  float value = bias ? y[i] + bias[i % C] : y[i];
  y[i] = relu && value <= 0 ? 0 : value;
}

// leak * value, and 0 for the leak of relu, whatever the value
__device__ float times(float leak, float value) { return leak > 0 ? leak * value : 0; }

// z = (x - mean) * scale + shift, of each channel; y = z where z > 0, else leak * z
extern "C" __global__ void scale_and_shift(
    const float* x, const float* mean, const float* scale, const float* shift, float leak, float* y,
    int count) {
  HERE
  int c = i % C;
  float z = (x[i] - mean[c]) * scale[c] + shift[c];
  y[i] = z <= 0 ? times(leak, z) : z;  // a NaN stays
}

// dx = dz * a + (x - mean) * b + c; dz = dy where y > 0, else leak * dy
extern "C" __global__ void combine(
    const float* dy, const float* a, const float* x, const float* mean, const float* b,
    const float* c, const float* y, float leak, float* dx, int count) {
  HERE
  int k = i % C;
  float dz = y[i] > 0 ? dy[i] : times(leak, dy[i]);
  dx[i] = dz * a[k] + (x[i] - mean[k]) * b[k] + c[k];
}

// Of each channel 1 / deviation, and gamma times that
extern "C" __global__ void scales(
    const float* variance, const float* gamma, float epsilon, float* scale, float* slope,
    int count) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  scale[i] = 1 / sqrtf(variance[i] + epsilon);
  slope[i] = gamma[i] * scale[i];
}

// Of each channel dgamma, and what dx needs: the factor of x - mean, and the last summand
extern "C" __global__ void slopes(
    const float* products, const float* dbeta, const float* scale, const float* slope, float n,
    float* dgamma, float* steepness, float* shift, int count) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  dgamma[i] = products[i] * scale[i];
  steepness[i] = -slope[i] * scale[i] * dgamma[i] / n;
  shift[i] = -slope[i] * dbeta[i] / n;
}
