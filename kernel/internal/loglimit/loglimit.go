// Package loglimit keeps a flood of bad messages from becoming a flood of log
// lines: of records with the same text it lets one through in an interval.
package loglimit

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// New gives a logger like log that lets through one record of each text in an
// interval, with the number of those that were suppressed since the last one.
// Texts are to be constants; what differs goes into attributes.
func New(log *slog.Logger, interval time.Duration) *slog.Logger {
	return slog.New(&handler{next: log.Handler(), limits: &limits{interval: interval, last: make(map[string]*entry)}})
}

type handler struct {
	next   slog.Handler
	prefix string // of the texts: attributes that With has added
	limits *limits
}

// limits are shared by a handler and those derived from it.
type limits struct {
	interval time.Duration

	mu   sync.Mutex // guards last and its entries
	last map[string]*entry
}

type entry struct {
	at         time.Time
	suppressed int
}

func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	ok, suppressed := h.limits.admit(h.prefix+r.Message, r.Time)
	if !ok {
		return nil
	}
	if suppressed > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int("suppressed", suppressed))
	}
	return h.next.Handle(ctx, r)
}

func (l *limits) admit(text string, at time.Time) (ok bool, suppressed int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.last[text]
	if e == nil {
		e = &entry{}
		l.last[text] = e
	} else if at.Sub(e.at) < l.interval {
		e.suppressed++
		return false, 0
	}
	suppressed = e.suppressed
	e.at, e.suppressed = at, 0
	return true, suppressed
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	prefix := h.prefix
	for _, a := range attrs {
		prefix += a.String() + " "
	}
	return &handler{next: h.next.WithAttrs(attrs), prefix: prefix, limits: h.limits}
}

func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{next: h.next.WithGroup(name), prefix: h.prefix + name + ".", limits: h.limits}
}
