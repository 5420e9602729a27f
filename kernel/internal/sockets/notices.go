package sockets

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// notices logs what peers do wrong, at most one line of each kind in an
// interval: a flood of bad messages must not become a flood of log lines.
type notices struct {
	log      *slog.Logger
	interval time.Duration

	mu   sync.Mutex
	last map[string]*notice // by text; texts are constants, so few
}

type notice struct {
	at         time.Time
	suppressed int
}

func newNotices(log *slog.Logger, interval time.Duration) *notices {
	return &notices{log: log, interval: interval, last: make(map[string]*notice)}
}

func (n *notices) say(level slog.Level, text string, args ...any) {
	n.mu.Lock()
	last := n.last[text]
	if last == nil {
		last = &notice{}
		n.last[text] = last
	}
	now := time.Now()
	if now.Sub(last.at) < n.interval {
		last.suppressed++
		n.mu.Unlock()
		return
	}
	if last.suppressed > 0 {
		args = append(args, "suppressed", last.suppressed)
	}
	last.at, last.suppressed = now, 0
	n.mu.Unlock()
	n.log.Log(context.Background(), level, text, args...)
}
