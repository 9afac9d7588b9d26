// A step of a recurrent cell, and of its way back: a thread for each unit of each example.
//
// z (N, G * UNITS) holds what the gates are computed from, without h @ R, and then the gates; s is
// h @ R.
// Of a gate that is a sigmoid both are halved: sigmoid(x) = tanh(x / 2) / 2 + 1 / 2.

#define UNIT                                            \
  int i = blockIdx.x * blockDim.x + threadIdx.x;        \
  if (i >= count) return;                               \
  const int u = i % UNITS, first = i / UNITS * GATES * UNITS + u;
#define GATE(k) first + k * UNITS

__device__ float sigmoid(float half) { return 0.5f * tanhf(half) + 0.5f; }
__device__ float slope(float gate) { return gate * (1 - gate); }

extern "C" __global__ void rnn(const float* z, const float* s, int relu, float* h, int count) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  float x = z[i] + s[i];
  h[i] = relu ? (x <= 0 ? 0 : x) : tanhf(x);  // NaN stays
}

// h: after the step
extern "C" __global__ void rnn_back(
    const float* dh, const float* h, int relu, float* dz, int count) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  dz[i] = relu ? (h[i] > 0 ? dh[i] : 0 * dh[i]) : dh[i] * (1 - h[i] * h[i]);
}

// bias: that of h @ R, halved as s.  h: before the step.  recalled: the candidate's h @ R + bias
extern "C" __global__ void gru(
    float* z, const float* s, const float* bias, const float* h, float* recalled, float* after,
    int count) {
  const int GATES = 3;
  UNIT
  float update = sigmoid(z[GATE(0)] + s[GATE(0)] + bias[u]);
  float reset = sigmoid(z[GATE(1)] + s[GATE(1)] + bias[UNITS + u]);
  recalled[i] = s[GATE(2)] + bias[2 * UNITS + u];
  float candidate = tanhf(z[GATE(2)] + reset * recalled[i]);
  z[GATE(0)] = update, z[GATE(1)] = reset, z[GATE(2)] = candidate;
  after[i] = candidate + update * (h[i] - candidate);
}

// past: the gradient of h, without that through h @ R
extern "C" __global__ void gru_back(
    const float* dh, const float* z, const float* h, const float* recalled, float* dz, float* ds,
    float* past, int count) {
  const int GATES = 3;
  UNIT
  float update = z[GATE(0)], reset = z[GATE(1)], candidate = z[GATE(2)];
  past[i] = dh[i] * update;
  float dcandidate = (1 - candidate * candidate) * (dh[i] - past[i]);
  dz[GATE(0)] = ds[GATE(0)] = slope(update) * dh[i] * (h[i] - candidate);
  dz[GATE(1)] = ds[GATE(1)] = slope(reset) * dcandidate * recalled[i];
  dz[GATE(2)] = dcandidate, ds[GATE(2)] = dcandidate * reset;
}

// c: the cell before the step.  squashed: tanh of it after the step
extern "C" __global__ void lstm(
    float* z, const float* s, const float* c, float* new_h, float* new_c, float* squashed,
    int count) {
  const int GATES = 4;
  UNIT
  float input = sigmoid(z[GATE(0)] + s[GATE(0)]), forget = sigmoid(z[GATE(1)] + s[GATE(1)]);
  float candidate = tanhf(z[GATE(2)] + s[GATE(2)]), output = sigmoid(z[GATE(3)] + s[GATE(3)]);
  z[GATE(0)] = input, z[GATE(1)] = forget, z[GATE(2)] = candidate, z[GATE(3)] = output;
  new_c[i] = forget * c[i] + input * candidate;
  squashed[i] = tanhf(new_c[i]);
  new_h[i] = output * squashed[i];
}

// dc: of the cell after the step, then of that before it
extern "C" __global__ void lstm_back(
    const float* dh, float* dc, const float* z, const float* c, const float* squashed, float* dz,
    int count) {
  const int GATES = 4;
  UNIT
  float input = z[GATE(0)], forget = z[GATE(1)], candidate = z[GATE(2)], output = z[GATE(3)];
  float dcell = dc[i] + dh[i] * output * (1 - squashed[i] * squashed[i]);
  dz[GATE(0)] = slope(input) * dcell * candidate;
  dz[GATE(1)] = slope(forget) * dcell * c[i];
  dz[GATE(2)] = (1 - candidate * candidate) * dcell * input;
  dz[GATE(3)] = slope(output) * dh[i] * squashed[i];
  dc[i] = dcell * forget;
}
