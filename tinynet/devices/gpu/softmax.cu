// A thread computes a row of K numbers.

// y = log(softmax(x)).  The largest number is subtracted first, so that none overflows.  Its
// exp(0) = 1 would hide smaller ones in the sum, so log1pf adds it.
extern "C" __global__ void log_softmax(const float* x, float* y, int K, int count) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  x += i * K, y += i * K;
  int largest = 0;
  for (int k = 1; k < K; k++)
    if (x[k] > x[largest] || x[k] != x[k]) largest = k;
  float sum = 0;
  for (int k = 0; k < K; k++)
    if (k != largest) sum += expf(x[k] - x[largest]);
  float rest = log1pf(sum);
  for (int k = 0; k < K; k++) y[k] = x[k] - x[largest] - rest;
}

// The losses -log_p at the label; NaN where there is no such label
extern "C" __global__ void label_losses(
    const float* log_p, const long long* labels, float* losses, int K, int count) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count)
    losses[i] = labels[i] >= 0 && labels[i] < K ? -log_p[i * K + labels[i]] : nanf("");
}

// (softmax - one-hot) * factor; each: a factor for each row, otherwise one for all
extern "C" __global__ void cross_entropy_back(
    const float* log_p, const long long* labels, const float* losses, const float* factor,
    int each, float* dx, int K, int count) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;  // of a number of dx
  if (i >= count) return;
  int row = i / K;
  float p = i % K == labels[row] ? expm1f(-losses[row]) : expf(log_p[i]);
  dx[i] = factor[each ? row : 0] * p;
}
