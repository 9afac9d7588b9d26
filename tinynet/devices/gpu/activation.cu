// Activations and masks, number by number: a thread computes one of the result.

#define HERE int i = blockIdx.x * blockDim.x + threadIdx.x; if (i >= count) return;

extern "C" __global__ void relu(const float* x, float* y, int count) {
  HERE
  y[i] = x[i] <= 0 ? 0 : x[i];  // a NaN stays
}

extern "C" __global__ void relu_back(const float* dy, const float* y, float* dx, int count) {
  HERE
  dx[i] = y[i] > 0 ? dy[i] : 0;
}

extern "C" __global__ void leaky_relu(const float* x, float slope, float* y, int count) {
  HERE
  y[i] = x[i] > 0 ? x[i] : slope * x[i];
}

extern "C" __global__ void leaky_relu_back(
    const float* dy, const float* x, float slope, float* dx, int count) {
  HERE
  dx[i] = x[i] > 0 ? dy[i] : slope * dy[i];
}

extern "C" __global__ void masked(
    const float* x, const bool* mask, float scale, float* y, int count) {
  HERE
  y[i] = mask[i] ? x[i] * scale : 0;
}
