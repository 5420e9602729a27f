package refs

import (
	"math"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Every number says where it is from, in which unit, and when.
func TestEveryRefIsWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range All() {
		if r.ID == "" || r.Quantity == "" || r.Unit == "" || r.Says == "" || r.Source == "" {
			t.Errorf("%q lacks an id, quantity, unit, saying or source: %+v", r.ID, r)
		}
		if seen[r.ID] {
			t.Errorf("the id %q is there twice", r.ID)
		}
		seen[r.ID] = true
		if r.Value <= 0 || r.High != 0 && r.High <= r.Value {
			t.Errorf("%s: %v to %v is no value and no range", r.ID, r.Value, r.High)
		}
		switch r.Kind {
		case Measured, Specified, Claimed:
		default:
			t.Errorf("%s: unknown kind %q", r.ID, r.Kind)
		}
		if r.Kind == Measured && r.Date == "" {
			t.Errorf("%s: a measurement without a date", r.ID)
		}
		if r.Date != "" && !isDate(r.Date) {
			t.Errorf("%s: %q is not YYYY, YYYY-MM or YYYY-MM-DD", r.ID, r.Date)
		}
		if r.URL != "" {
			if u, err := url.Parse(r.URL); err != nil || u.Scheme != "https" || u.Host == "" {
				t.Errorf("%s: %q is not an https address", r.ID, r.URL)
			}
		}
	}
	if len(seen) < 30 {
		t.Errorf("only %d published numbers", len(seen))
	}
}

func isDate(s string) bool {
	for _, layout := range []string{"2006", "2006-01", "2006-01-02"} {
		if _, err := time.Parse(layout, s); err == nil {
			return true
		}
	}
	return false
}

func TestIn(t *testing.T) {
	cases := []struct {
		r    Ref
		unit string
		want float64
		ok   bool
	}{
		{Ref{Value: 5, Unit: "ms"}, "µs", 5000, true},
		{Ref{Value: 0.17, Unit: "µs"}, "ns", 170, true},
		{Ref{Value: 1, High: 2, Unit: "µs"}, "µs", 1.5, true},
		{Ref{Value: 8192, Unit: "KiB"}, "MiB", 8, true},
		{Ref{Value: 8192, Unit: "KiB"}, "µs", 0, false},
		{Ref{Value: 61, Unit: "schedules"}, "ns", 0, false},
		{Ref{Value: 61, Unit: "schedules"}, "schedules", 61, true},
	}
	for _, c := range cases {
		got, ok := c.r.In(c.unit)
		if ok != c.ok || math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%v %s in %s: %v, %v; want %v, %v", c.r.Value, c.r.Unit, c.unit, got, ok, c.want, c.ok)
		}
	}
}

func TestNumber(t *testing.T) {
	for want, r := range map[string]Ref{
		"1.2–1.5 µs":        {Value: 1.2, High: 1.5, Unit: "µs"},
		"100000 goroutines": {Value: 100000, Unit: "goroutines"},
		"0.05 µs":           {Value: 0.05, Unit: "µs"},
	} {
		if got := r.Number(); got != want {
			t.Errorf("%q; want %q", got, want)
		}
	}
}

func TestGetUnknownPanics(t *testing.T) {
	defer func() {
		if r := recover(); r == nil || !strings.Contains(r.(string), `"no-such"`) {
			t.Errorf("recovered %v", r)
		}
	}()
	Get("no-such")
}

func TestTableEscapes(t *testing.T) {
	l := List{{ID: "x", Value: 1, Unit: "ns", Kind: Claimed, Says: "a < b", Source: "S & T", URL: "https://example.org/?a=1&b=2"}}
	got := l.HTML()
	for _, want := range []string{"a &lt; b", "S &amp; T", "?a=1&amp;b=2"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in %s", want, got)
		}
	}
}
