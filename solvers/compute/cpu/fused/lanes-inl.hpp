// A vector of complex numbers, real and imaginary parts apart, and what butterflies do with it. Included once
// per instruction set, inside its namespace.

#undef PTYCHOSCALE_LINE
#undef PTYCHOSCALE_LINE_LAMBDA
#define PTYCHOSCALE_LINE HWY_INLINE
#define PTYCHOSCALE_LINE_LAMBDA HWY_ATTR __attribute__((always_inline))

/// D is a Highway tag for float.
template <class D> struct Lanes {
  hn::Vec<D> re;
  hn::Vec<D> im;
};
template <class D> constexpr int lanes_of = static_cast<int>(hn::MaxLanes(D()));

template <class D> HWY_INLINE Lanes<D> operator+(Lanes<D> a, Lanes<D> b) {
  return {hn::Add(a.re, b.re), hn::Add(a.im, b.im)};
}
template <class D> HWY_INLINE Lanes<D> operator-(Lanes<D> a, Lanes<D> b) {
  return {hn::Sub(a.re, b.re), hn::Sub(a.im, b.im)};
}
template <class V> HWY_INLINE V negated(V part) { return hn::Neg(part); }
template <class D> HWY_INLINE Lanes<D> scaled(Lanes<D> a, float s) {
  const auto factor = hn::Set(D(), s);
  return {hn::Mul(a.re, factor), hn::Mul(a.im, factor)};
}
template <class D> HWY_INLINE Lanes<D> plus_scaled(Lanes<D> a, Lanes<D> b, float s) {
  const auto factor = hn::Set(D(), s);
  return {hn::MulAdd(b.re, factor, a.re), hn::MulAdd(b.im, factor, a.im)};
}
template <class D> HWY_INLINE Lanes<D> times(Lanes<D> a, Lanes<D> b) {
  return {hn::NegMulAdd(a.im, b.im, hn::Mul(a.re, b.re)), hn::MulAdd(a.im, b.re, hn::Mul(a.re, b.im))};
}
template <class D> HWY_INLINE Lanes<D> times_conjugate(Lanes<D> a, Lanes<D> b) {
  return {hn::MulAdd(a.im, b.im, hn::Mul(a.re, b.re)), hn::NegMulAdd(a.re, b.im, hn::Mul(a.im, b.re))};
}
template <class D> HWY_INLINE Lanes<D> everywhere(const Complex* w) {
  const auto* parts = reinterpret_cast<const float*>(w);
  return {hn::Set(D(), parts[0]), hn::Set(D(), parts[1])};
}
template <class D> HWY_INLINE Lanes<D> times_root(Lanes<D> a, float cosine, float sine) {
  return times(a, Lanes<D>{hn::Set(D(), cosine), hn::Set(D(), sine)});
}

#include "../../lines/butterfly-inl.hpp"

/// Direction's factor: w going forward, its conjugate going back.
template <Direction Dir, class D> HWY_INLINE Lanes<D> turned_by(Lanes<D> a, Lanes<D> w) {
  if constexpr (Dir == Direction::forward)
    return times(a, w);
  else
    return times_conjugate(a, w);
}

/// Vectors in scratch, real parts before imaginary ones.
template <class D> HWY_INLINE Lanes<D> vector_at(const float* scratch, int i) {
  const float* v = scratch + 2 * lanes_of<D> * i;
  return {hn::Load(D(), v), hn::Load(D(), v + lanes_of<D>)};
}
template <class D> HWY_INLINE void put_vector(Lanes<D> v, float* scratch, int i) {
  float* to = scratch + 2 * lanes_of<D> * i;
  hn::Store(v.re, D(), to);
  hn::Store(v.im, D(), to + lanes_of<D>);
}

/// Neighbouring complex64 of a wave.
template <class D> HWY_INLINE Lanes<D> neighbours_at(const Complex* w) {
  Lanes<D> v;
  hn::LoadInterleaved2(D(), reinterpret_cast<const float*>(w), v.re, v.im);
  return v;
}
template <class D> HWY_INLINE void put_neighbours(Lanes<D> v, Complex* w) {
  hn::StoreInterleaved2(v.re, v.im, D(), reinterpret_cast<float*>(w));
}
/// `count` of them, as many as fit into a vector or fewer; zero in the other lanes.
template <class D> HWY_INLINE Lanes<D> some_at(const Complex* w, int count) {
  HWY_ALIGN float buffer[2 * lanes_of<D>] = {};
  __builtin_memcpy(buffer, w, sizeof(Complex) * static_cast<unsigned>(count));
  return neighbours_at<D>(reinterpret_cast<const Complex*>(buffer));
}
template <class D> HWY_INLINE void put_some(Lanes<D> v, Complex* w, int count) {
  HWY_ALIGN float buffer[2 * lanes_of<D>];
  put_neighbours(v, reinterpret_cast<Complex*>(buffer));
  __builtin_memcpy(w, buffer, sizeof(Complex) * static_cast<unsigned>(count));
}
template <class D> HWY_INLINE hn::Vec<D> some_at(const float* v, int count) {
  HWY_ALIGN float buffer[lanes_of<D>] = {};
  __builtin_memcpy(buffer, v, sizeof(float) * static_cast<unsigned>(count));
  return hn::Load(D(), buffer);
}
template <class D> HWY_INLINE void put_some(hn::Vec<D> v, float* to, int count) {
  HWY_ALIGN float buffer[lanes_of<D>];
  hn::Store(v, D(), buffer);
  __builtin_memcpy(to, buffer, sizeof(float) * static_cast<unsigned>(count));
}

/// v[i] <- lane i of v[0], v[1], .. of `Size` vectors, in every group of so many lanes: 1, 4 or 8.
#if HWY_TARGET == HWY_SCALAR
template <int Size, class D> HWY_INLINE void transpose(hn::Vec<D>*) {}
#else
template <int Size, class D> HWY_INLINE void transpose(hn::Vec<D>* v) {
  static_assert(Size == 4 || Size == 8);
  const D d;
  const hn::RepartitionToWide<D> pairs;
  const auto lower = [&](hn::Vec<D> a, hn::Vec<D> b) PTYCHOSCALE_LINE_LAMBDA {
    return hn::BitCast(d, hn::InterleaveLower(pairs, hn::BitCast(pairs, a), hn::BitCast(pairs, b)));
  };
  const auto upper = [&](hn::Vec<D> a, hn::Vec<D> b) PTYCHOSCALE_LINE_LAMBDA {
    return hn::BitCast(d, hn::InterleaveUpper(pairs, hn::BitCast(pairs, a), hn::BitCast(pairs, b)));
  };
  static_for<0, Size / 4>([&](auto four) PTYCHOSCALE_LINE_LAMBDA {
    hn::Vec<D>* u = v + 4 * decltype(four)::value;
    const auto a = hn::InterleaveLower(d, u[0], u[1]);
    const auto b = hn::InterleaveUpper(d, u[0], u[1]);
    const auto c = hn::InterleaveLower(d, u[2], u[3]);
    const auto e = hn::InterleaveUpper(d, u[2], u[3]);
    u[0] = lower(a, c);
    u[1] = upper(a, c);
    u[2] = lower(b, e);
    u[3] = upper(b, e);
  });
  if constexpr (Size == 8)
    static_for<0, 4>([&](auto i_) PTYCHOSCALE_LINE_LAMBDA {
      constexpr int i = decltype(i_)::value;
      const auto first = v[i];
      const auto second = v[4 + i];
      v[i] = hn::OddEvenBlocks(hn::SwapAdjacentBlocks(second), first);
      v[4 + i] = hn::OddEvenBlocks(second, hn::SwapAdjacentBlocks(first));
    });
}
#endif
template <int n, class D> HWY_INLINE void transpose(Lanes<D>* u) {
  hn::Vec<D> re[n];
  hn::Vec<D> im[n];
  static_for<0, n>([&](auto i) PTYCHOSCALE_LINE_LAMBDA {
    re[decltype(i)::value] = u[decltype(i)::value].re;
    im[decltype(i)::value] = u[decltype(i)::value].im;
  });
  transpose<n, D>(re);
  transpose<n, D>(im);
  static_for<0, n>([&](auto i) PTYCHOSCALE_LINE_LAMBDA {
    u[decltype(i)::value] = {re[decltype(i)::value], im[decltype(i)::value]};
  });
}

/// scale * exp(i angle) for |angle| < 1e4 rad, absolute error below 2e-7 * scale. Cody-Waite reduction by
/// whole half turns to [-pi/2, pi/2] in three parts, which only changes the sign; then minimax polynomials,
/// of errors 5e-9 (sine) and 4e-10. Quarter turns, as in phase.cpp, need shorter ones, but exchanges.
template <class D> HWY_INLINE Lanes<D> phase_factor(hn::Vec<D> angle, float scale) {
  const D d;
  const hn::RebindToUnsigned<D> bits;
  const auto of = [&](float x) PTYCHOSCALE_LINE_LAMBDA { return hn::Set(d, x); };
  const auto magic = of(12582912.0F); // 1.5 * 2^23: adding it leaves an integer in the low mantissa bits
  const auto shifted = hn::MulAdd(angle, of(0.318309886183790672F), magic);
  const auto q = hn::Sub(shifted, magic);
  auto r = hn::NegMulAdd(q, of(3.140625F), angle);
  r = hn::NegMulAdd(q, of(9.67502593994140625e-4F), r);
  r = hn::NegMulAdd(q, of(1.5099579897537296e-7F), r);
  const auto r2 = hn::Mul(r, r);
  auto s = hn::MulAdd(r2, of(2.599900199129479e-6F), of(-1.9806546333711594e-4F));
  s = hn::MulAdd(r2, s, of(8.333016186952591e-3F));
  s = hn::MulAdd(r2, s, of(-0.16666656732559204F));
  const auto sine = hn::MulAdd(hn::Mul(r, r2), s, r);
  auto c = hn::MulAdd(r2, of(-2.61924611777431e-7F), of(2.4769238734734245e-5F));
  c = hn::MulAdd(r2, c, of(-1.3888567918911576e-3F));
  c = hn::MulAdd(r2, c, of(4.1666656732559204e-2F));
  c = hn::MulAdd(r2, c, of(-0.5F));
  const auto cosine = hn::MulAdd(r2, c, of(1.0F));
  const auto odd = hn::ShiftLeft<31>(hn::BitCast(bits, shifted));
  const auto factor = hn::BitCast(d, hn::Xor(hn::BitCast(bits, of(scale)), odd));
  return {hn::Mul(factor, cosine), hn::Mul(factor, sine)};
}
