// The windows of convolutions and poolings.  Pictures are (N, H, W, C); a window covers KH x KW
// pixels, moves by SH and SW, and stands at OH x OW places, the first one TOP rows above the picture
// and LEFT columns beside it.  All but N are constants.  A thread computes one number.

#define HERE int i = blockIdx.x * blockDim.x + threadIdx.x; if (i >= count) return;

// The place of number i in x (N, H, W, C)
#define PIXEL int c = i % C, w = i / C % W, h = i / (C * W) % H, n = i / (C * W * H);

// The place of number i in y (N, OH, OW, C), and the pixels [r0, r1) x [q0, q1) of its window
#define WINDOW \
  int c = i % C, ow = i / C % OW, oh = i / (C * OW) % OH, n = i / (C * OW * OH); \
  int r0 = max(0, oh * SH - TOP), r1 = min(H, oh * SH - TOP + KH); \
  int q0 = max(0, ow * SW - LEFT), q1 = min(W, ow * SW - LEFT + KW);

// Goes through the windows [oh0, oh1) x [ow0, ow1) that have pixel (h, w) in them
#define WINDOWS_OF_PIXEL \
  int oh0 = max(0, (h + TOP - KH + SH) / SH), oh1 = min(OH, (h + TOP) / SH + 1); \
  int ow0 = max(0, (w + LEFT - KW + SW) / SW), ow1 = min(OW, (w + LEFT) / SW + 1); \
  for (int oh = oh0; oh < oh1; oh++) \
    for (int ow = ow0; ow < ow1; ow++)

#define X(n, h, w, c) x[(((n) * H + (h)) * W + (w)) * C + (c)]
#define Y(y, n, oh, ow, c) y[(((n) * OH + (oh)) * OW + (ow)) * C + (c)]

// rows (N, OH, OW, KH, KW, C): every window as a row
extern "C" __global__ void columns(const float* x, float* rows, int count) {
  HERE
  int c = i % C, v = i / C % KW, u = i / (C * KW) % KH, ow = i / (C * KW * KH) % OW;
  int oh = i / (C * KW * KH * OW) % OH, n = i / (C * KW * KH * OW * OH);
  int h = oh * SH + u - TOP, w = ow * SW + v - LEFT;
  rows[i] = h >= 0 && h < H && w >= 0 && w < W ? X(n, h, w, c) : 0;
}

// x = the sum of all entries of rows that came from a pixel, + bias (or null), then relu if asked for
extern "C" __global__ void sum_windows(const float* rows, const float* bias, int relu, float* x, int count) {
  HERE
  PIXEL
  float sum = bias ? bias[c] : 0;
  WINDOWS_OF_PIXEL {
    int u = h + TOP - oh * SH, v = w + LEFT - ow * SW;
    sum += rows[((((n * OH + oh) * OW + ow) * KH + u) * KW + v) * C + c];
  }
  x[i] = relu && sum <= 0 ? 0 : sum;
}

// NaN is larger than every number
#define LARGER(a, m) ((a) > (m) || (a) != (a) ? (a) : (m))
#define SAME(a, m) ((a) == (m) || (a) != (a))

extern "C" __global__ void max_pool(const float* x, float* y, int count) {
  HERE
  WINDOW
  float most = X(n, r0, q0, c);
  for (int r = r0; r < r1; r++)
    for (int q = q0; q < q1; q++) most = LARGER(X(n, r, q, c), most);
  y[i] = most;
}

// A pixel has dy of each window in which it is the first that equals the maximum y
extern "C" __global__ void max_pool_back(
    const float* dy, const float* x, const float* y, float* dx, int count) {
  HERE
  PIXEL
  float sum = 0;
  WINDOWS_OF_PIXEL {
    float most = Y(y, n, oh, ow, c);
    bool first = SAME(x[i], most);
    int r0 = max(0, oh * SH - TOP), q0 = max(0, ow * SW - LEFT);
    int q1 = min(W, ow * SW - LEFT + KW);
    for (int r = r0; first && r <= h; r++)
      for (int q = q0; first && q < (r == h ? w : q1); q++) first = !SAME(X(n, r, q, c), most);
    if (first) sum += Y(dy, n, oh, ow, c);
  }
  dx[i] = sum;
}

extern "C" __global__ void sum_pool(const float* x, float* y, int count) {
  HERE
  WINDOW
  float sum = 0;
  for (int r = r0; r < r1; r++)
    for (int q = q0; q < q1; q++) sum += X(n, r, q, c);
  y[i] = sum;
}

extern "C" __global__ void sum_pool_back(const float* dy, float* dx, int count) {
  HERE
  PIXEL
  float sum = 0;
  WINDOWS_OF_PIXEL sum += Y(dy, n, oh, ow, c);
  dx[i] = sum;
}
