// Sums over all numbers, in two stages and always in the same order: each block of 256 threads adds
// up its share, and then one block adds up the sums of the blocks, times a factor.

#define SHARE int i = blockIdx.x * 256 + threadIdx.x; i < count; i += gridDim.x * 256

__device__ void add_up(float own, float* sums) {
  __shared__ float part[256];
  int t = threadIdx.x;
  part[t] = own;
  __syncthreads();
  for (int half = 128; half > 0; half /= 2) {
    if (t < half) part[t] += part[t + half];
    __syncthreads();
  }
  if (t == 0) sums[blockIdx.x] = part[0];
}

extern "C" __global__ void squared_difference(
    const float* a, const float* b, float* sums, int count) {
  float sum = 0;
  for (SHARE) sum += (a[i] - b[i]) * (a[i] - b[i]);
  add_up(sum, sums);
}

extern "C" __global__ void bce_of(const float* z, const float* target, float* sums, int count) {
  float sum = 0;
  for (SHARE)
    sum += ((z[i] <= 0 ? 0 : z[i]) - z[i] * target[i]) + log1pf(expf(-fabsf(z[i])));
  add_up(sum, sums);
}

extern "C" __global__ void add_sums(const float* sums, float factor, float* total, int count) {
  float sum = 0;
  for (SHARE) sum += sums[i];
  add_up(factor * sum, total);
}
