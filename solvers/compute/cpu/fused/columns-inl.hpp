// The verbs along y: neighbouring columns are the lanes. Included once per instruction set, inside its
// namespace.

using ColumnTag = hn::CappedTag<float, 16>;
using ColumnLanes = Lanes<ColumnTag>;

/// body(where) on as many columns at a time as there are lanes; `where` is an InColumns or InSomeColumns.
template <class Body> HWY_INLINE void for_columns(const Columns& columns, const Body& body) {
  constexpr int n = lanes_of<ColumnTag>;
  for (int x = 0; x < columns.count; x += n) {
    if (x + n <= columns.count)
      body(InColumns<ColumnTag>{columns.first + x, columns.pitch}, x, n);
    else
      body(InSomeColumns<ColumnTag>{columns.first + x, columns.pitch, columns.count - x}, x,
           columns.count - x);
  }
}

template <Direction Dir, class Where>
void transform_some(const ColumnTables& tables, const Where& where, float* scratch) {
  const int radix = tables.radices.radix[0];
  const int m = tables.length / radix;
  const int last = tables.radices.count - 1;
  const auto scale =
      hn::Set(ColumnTag(), Dir == Direction::inverse ? 1.0F / static_cast<float>(tables.length) : 1.0F);
  const InScratch<ColumnTag> all{scratch};
  pass_there<Dir>(radix, m, tables.twiddles.data(), where, all);
  const auto finish = [&](const Part<ColumnTag>& part) HWY_ATTR {
    const int* frequency = tables.frequency.data() + part.place;
    last_butterflies<Dir>(tables.radices.radix[last], part,
                          [&](auto radix_, ColumnLanes* u, int i) PTYCHOSCALE_LINE_LAMBDA {
                            static_for<0, decltype(radix_)::value>([&](auto r_) PTYCHOSCALE_LINE_LAMBDA {
                              constexpr int r = decltype(r_)::value;
                              where.put(frequency[i + r], {hn::Mul(scale, u[r].re), hn::Mul(scale, u[r].im)});
                            });
                          });
  };
  const Part<ColumnTag> whole{all, tables.length, 0};
  if (last == 1) return finish(whole);
  for (int i = 0; i < radix; ++i) go_there<Dir>(tables, 1, whole.line(i, m), finish);
}

void transform_columns(const ColumnTables& tables, const Columns& columns, Direction direction,
                       Complex* scratch) {
  auto* s = reinterpret_cast<float*>(scratch);
  for_columns(columns, [&](const auto& where, int, int) HWY_ATTR {
    if (direction == Direction::forward)
      transform_some<Direction::forward>(tables, where, s);
    else
      transform_some<Direction::inverse>(tables, where, s);
  });
}

/// x's factors of some columns, and their part of the mask.
struct ColumnFactors {
  const Complex* y;
  ColumnLanes x;
  const float* mask;
  std::ptrdiff_t pitch;
  int count;
  /// w <- w times the propagator, or its conjugate: that of x comes conjugated.
  template <bool Conjugate> HWY_INLINE ColumnLanes times_factor(ColumnLanes w, int ky) const {
    const auto of_y = everywhere<ColumnTag>(y + ky);
    auto factor = Conjugate ? times_conjugate(x, of_y) : times(x, of_y);
    if (mask != nullptr) {
      const auto m = some_at<ColumnTag>(mask + ky * pitch, count);
      factor = {hn::Mul(m, factor.re), hn::Mul(m, factor.im)};
    }
    return times(w, factor);
  }
};

template <bool Conjugate>
void propagate_lines(const ColumnTables& tables, const ColumnFactors& factors, const Part<ColumnTag>& part) {
  const int* frequency = tables.frequency.data() + part.place;
  last_butterflies<Direction::forward>(tables.radices.radix[tables.radices.count - 1], part,
                                       [&](auto radix_, ColumnLanes* u, int i) PTYCHOSCALE_LINE_LAMBDA {
                                         constexpr int R = decltype(radix_)::value;
                                         static_for<0, R>([&](auto r_) PTYCHOSCALE_LINE_LAMBDA {
                                           constexpr int r = decltype(r_)::value;
                                           u[r] = factors.template times_factor<Conjugate>(u[r],
                                                                                           frequency[i + r]);
                                         });
                                         dft<R, Direction::inverse>(u);
                                         static_for<0, R>([&](auto r) PTYCHOSCALE_LINE_LAMBDA {
                                           part.first.put(i + decltype(r)::value, u[decltype(r)::value]);
                                         });
                                       });
}

template <bool Conjugate, class Where>
void propagate_some(const ColumnTables& tables, const ColumnFactors& factors, const Where& where,
                    float* scratch) {
  const int radix = tables.radices.radix[0];
  const int m = tables.length / radix;
  const int last = tables.radices.count - 1;
  const InScratch<ColumnTag> all{scratch};
  const Part<ColumnTag> whole{all, tables.length, 0};
  const auto turn_back = [&](const Part<ColumnTag>& part)
                             HWY_ATTR { propagate_lines<Conjugate>(tables, factors, part); };
  pass_there<Direction::forward>(radix, m, tables.twiddles.data(), where, all);
  if (last == 1)
    turn_back(whole);
  else
    for (int i = 0; i < radix; ++i)
      go_there_and_back<Direction::forward>(tables, 1, whole.line(i, m), turn_back);
  pass_back<Direction::inverse>(radix, m, tables.twiddles.data(), all, where);
}

void propagate(const ColumnTables& tables, const Columns& columns, const PropagatorOn& p, Complex* scratch) {
  const bool conjugate = p.sense == Sense::conjugate;
  for_columns(columns, [&](const auto& where, int x, int count) HWY_ATTR {
    const auto px = some_at<ColumnTag>(p.x + x, count);
    const auto re = hn::Mul(px.re, hn::Set(ColumnTag(), p.scale));
    const auto im = hn::Mul(px.im, hn::Set(ColumnTag(), conjugate ? -p.scale : p.scale));
    const ColumnFactors factors{p.y, {re, im}, p.mask != nullptr ? p.mask + x : nullptr, p.pitch, count};
    auto* s = reinterpret_cast<float*>(scratch);
    if (conjugate)
      propagate_some<true>(tables, factors, where, s);
    else
      propagate_some<false>(tables, factors, where, s);
  });
}
