// Whether all numbers are in [low, high]

// A thread that finds another one says so; fine was true.
extern "C" __global__ void inside(
    const float* x, float low, float high, bool* fine, int count) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count && !(x[i] >= low && x[i] <= high)) *fine = false;  // so it does of a NaN
}

// Whether all labels are in [0, K); and facts: the least, the largest, and whether two negative ones
// differ.  One block of 256 threads, for few labels.
extern "C" __global__ void labels_inside(
    const long long* x, int K, bool* fine, long long* facts, int count) {
  __shared__ long long least[256], most[256];
  __shared__ bool differ;
  int t = threadIdx.x;
  least[t] = most[t] = x[0];
  if (t == 0) differ = false;
  for (int i = t; i < count; i += 256) {
    if (x[i] < least[t]) least[t] = x[i];
    if (x[i] > most[t]) most[t] = x[i];
  }
  for (int half = 128; half > 0; half /= 2) {
    __syncthreads();
    if (t < half && least[t + half] < least[t]) least[t] = least[t + half];
    if (t < half && most[t + half] > most[t]) most[t] = most[t + half];
  }
  __syncthreads();
  for (int i = t; i < count; i += 256)
    if (x[i] < 0 && x[i] != least[0]) differ = true;
  __syncthreads();
  if (t == 0) {
    *fine = least[0] >= 0 && most[0] < K;
    facts[0] = least[0], facts[1] = most[0], facts[2] = differ;
  }
}
