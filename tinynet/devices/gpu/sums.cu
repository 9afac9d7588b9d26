// Sums of columns, in two stages, and always in the same order.
//
// The rows of x (rows, C) are cut into gridDim.y chunks.  A block has 32 x 8 threads: it adds up 32
// columns of one chunk, each column by 8 threads, and then these 8 sums.  The second stage adds up
// the chunks, a thread for each column.

#define COLUMN \
  int c = blockIdx.x * 32 + threadIdx.x, lane = threadIdx.y; \
  int chunk = (rows + gridDim.y - 1) / gridDim.y, start = blockIdx.y * chunk; \
  int stop = min(rows, start + chunk);

// The sum of what the 8 threads of a column have: for all of them
__device__ float added(float own, float (*part)[32]) {
  part[threadIdx.y][threadIdx.x] = own;
  __syncthreads();
  float sum = 0;
  for (int k = 0; k < 8; k++) sum += part[k][threadIdx.x];
  __syncthreads();
  return sum;
}

// sums (chunks, C)
extern "C" __global__ void column_sums(const float* x, float* sums, int rows) {
  __shared__ float part[8][32];
  COLUMN
  float sum = 0;
  if (c < C)
    for (int r = start + lane; r < stop; r += 8) sum += x[r * C + c];
  sum = added(sum, part);
  if (c < C && lane == 0) sums[blockIdx.y * C + c] = sum;
}

// sums (2, chunks, C): of dz * (x - mean), and of dz; dz = dy where y > 0, else leak * dy
extern "C" __global__ void products_and_sums(
    const float* dy, const float* x, const float* mean, const float* y, float leak, float* sums,
    int rows) {
  __shared__ float part[8][32];
  COLUMN
  float products = 0, plain = 0;
  if (c < C)
    for (int r = start + lane; r < stop; r += 8) {
      float dz = dy[r * C + c];
      if (!(y[r * C + c] > 0)) dz = leak > 0 ? leak * dz : 0;
      products += dz * (x[r * C + c] - mean[c]);
      plain += dz;
    }
  products = added(products, part);
  plain = added(plain, part);
  if (c < C && lane == 0) {
    sums[blockIdx.y * C + c] = products;
    sums[(gridDim.y + blockIdx.y) * C + c] = plain;
  }
}

// y (sets, C) = the sum of each of the sets of chunks (sets, chunks, C)
extern "C" __global__ void add_chunks(const float* sums, int chunks, float* y, int count) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  int c = i % C, set = i / C;
  float sum = 0;
  for (int k = 0; k < chunks; k++) sum += sums[(set * chunks + k) * C + c];
  y[i] = sum;
}

// moments (2, chunks, C): the mean of each chunk, and the sum of the squared distances from it
extern "C" __global__ void moments(const float* x, float* moments, int rows) {
  __shared__ float part[8][32];
  COLUMN
  float sum = 0, squares = 0;
  if (c < C)
    for (int r = start + lane; r < stop; r += 8) sum += x[r * C + c];
  float mean = added(sum, part) / max(1, stop - start);
  if (c < C)
    for (int r = start + lane; r < stop; r += 8)
      squares += (x[r * C + c] - mean) * (x[r * C + c] - mean);
  squares = added(squares, part);
  if (c < C && lane == 0) {
    moments[blockIdx.y * C + c] = mean;
    moments[(gridDim.y + blockIdx.y) * C + c] = squares;
  }
}

// moving += rest * (batch - moving) of each channel, unless a variance is NaN or infinite.  One
// block; moving_mean and moving_variance may be null.
extern "C" __global__ void move_statistics(
    float* moving_mean, float* moving_variance, const float* mean, const float* variance,
    float rest) {
  __shared__ bool bad;
  if (threadIdx.x == 0) bad = false;
  __syncthreads();
  for (int c = threadIdx.x; c < C; c += blockDim.x)
    if (!isfinite(variance[c])) bad = true;
  __syncthreads();
  if (bad) return;
  for (int c = threadIdx.x; c < C; c += blockDim.x) {
    if (moving_mean) moving_mean[c] += rest * (mean[c] - moving_mean[c]);
    if (moving_variance) moving_variance[c] += rest * (variance[c] - moving_variance[c]);
  }
}

// y (2, C): mean and variance of all rows, joined as in Chan, Golub and LeVeque (1983)
extern "C" __global__ void join_moments(
    const float* moments, int chunks, int rows, float* y, int count) {
  int c = blockIdx.x * blockDim.x + threadIdx.x;
  if (c >= count) return;
  int chunk = (rows + chunks - 1) / chunks;
  float mean = 0, squares = 0;
  for (int k = 0; k < chunks; k++)
    mean += moments[k * C + c] * ((float)max(0, min(chunk, rows - k * chunk)) / rows);
  for (int k = 0; k < chunks; k++) {
    float apart = moments[k * C + c] - mean;
    squares += moments[(chunks + k) * C + c] + apart * apart * max(0, min(chunk, rows - k * chunk));
  }
  y[c] = mean;
  y[C + c] = squares / rows;
}
