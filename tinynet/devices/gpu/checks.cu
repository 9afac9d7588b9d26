// Whether all numbers are in [low, high]

// A thread that finds another one says so; fine was true.
extern "C" __global__ void inside(
    const float* x, float low, float high, bool* fine, int count) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count && !(x[i] >= low && x[i] <= high)) *fine = false;  // so it does of a NaN
}

// One block, for few numbers
extern "C" __global__ void labels_inside(
    const long long* x, int low, int high, bool* fine, int count) {
  __shared__ bool bad;
  if (threadIdx.x == 0) bad = false;
  __syncthreads();
  for (int i = threadIdx.x; i < count; i += blockDim.x)
    if (x[i] < low || x[i] > high) bad = true;
  __syncthreads();
  if (threadIdx.x == 0) *fine = !bad;
}
