// target[t] += the sum of values [starts[t], starts[t + 1]), in their order
extern "C" __global__ void add_runs(
    const float* values, const long long* starts, float* target, int count) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  float sum = target[i];
  for (long long k = starts[i]; k < starts[i + 1]; k++) sum += values[k];
  target[i] = sum;
}
