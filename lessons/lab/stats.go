package lab

import (
	"slices"

	"golang.org/x/perf/benchmath"
)

// confidence of every interval that the lab shows.
const confidence = 0.95

// noisyBeyond is the half width of a confidence interval, relative to the
// median, beyond which a measurement is called noisy.
const noisyBeyond = 0.25

// Summary describes the points of a measurement without assuming how they are
// distributed. Outliers are kept.
type Summary struct {
	N           int     `json:"n"`
	Min         float64 `json:"min"`
	Median      float64 `json:"median"`
	Max         float64 `json:"max"`
	Low         float64 `json:"low"`  // of the median's confidence interval
	High        float64 `json:"high"` // likewise
	Confidence  float64 `json:"confidence"`
	MoreSamples bool    `json:"more_samples,omitempty"` // too few points for that confidence
}

// Summary computes the statistics (golang.org/x/perf/benchmath).
func (s Samples) Summary() Summary {
	if len(s.Values) == 0 {
		return Summary{}
	}
	sample := benchmath.NewSample(slices.Clone(s.Values), &benchmath.DefaultThresholds)
	b := benchmath.AssumeNothing.Summary(sample, confidence)
	sum := Summary{
		N: len(s.Values), Min: slices.Min(s.Values), Median: b.Center, Max: slices.Max(s.Values),
		Low: b.Lo, High: b.Hi, Confidence: b.Confidence, MoreSamples: len(b.Warnings) > 0,
	}
	// With too few points the interval is unbounded; JSON and plots want
	// numbers, and the points themselves are all there is to say.
	sum.Low, sum.High = max(sum.Low, sum.Min), min(sum.High, sum.Max)
	return sum
}

// Noisy reports whether the median is known only loosely: its confidence
// interval is wider than a quarter of it on a side.
func (s Samples) Noisy() bool {
	sum := s.Summary()
	return sum.N >= 6 && sum.Median > 0 && (sum.High-sum.Low)/2 > noisyBeyond*sum.Median
}

// String is "NAME: median, its interval, min, max and n".
func (s Samples) String() string {
	sum := s.Summary()
	if sum.N == 0 {
		return s.label() + ": no samples"
	}
	return s.label() + ": " + format(sum.Median, s.Unit) + " (" + format(sum.Low, s.Unit) + " … " + format(sum.High, s.Unit) +
		"; min " + format(sum.Min, s.Unit) + ", max " + format(sum.Max, s.Unit) + ", n " + group(int64(sum.N)) + ")"
}

func (s Samples) label() string {
	l := s.Name
	if s.XLabel != "" {
		l += ", " + s.XLabel + " " + figures(s.X)
	}
	return l
}
