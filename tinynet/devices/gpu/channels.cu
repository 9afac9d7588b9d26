// The rows of an array (..., C), number by number: a thread computes one of the result.

#define HERE int i = blockIdx.x * blockDim.x + threadIdx.x; if (i >= count) return;

// y += bias (C,), then relu if asked for; no bias: it is null
extern "C" __global__ void add_bias(const float* bias, int relu, float* y, int count) {
  HERE
  float value = bias ? y[i] + bias[i % C] : y[i];
  y[i] = relu && value <= 0 ? 0 : value;
}

// y = (x - mean) * scale + shift, of each channel
extern "C" __global__ void scale_and_shift(
    const float* x, const float* mean, const float* scale, const float* shift, float* y,
    int count) {
  HERE
  int c = i % C;
  y[i] = (x[i] - mean[c]) * scale[c] + shift[c];
}

// dx = dy * a + (x - mean) * b + c
extern "C" __global__ void combine(
    const float* dy, const float* a, const float* x, const float* mean, const float* b,
    const float* c, float* dx, int count) {
  HERE
  int k = i % C;
  dx[i] = dy[i] * a[k] + (x[i] - mean[k]) * b[k] + c[k];
}
