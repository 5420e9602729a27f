package loglimit_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"spindle/kernel/internal/loglimit"
)

func TestLimit(t *testing.T) {
	var b bytes.Buffer
	log := loglimit.New(slog.New(slog.NewTextHandler(&b, nil)), 200*time.Millisecond)
	shell, control := log.With("socket", "shell"), log.With("socket", "control")
	for i := range 1000 {
		log.Warn("one", "n", i)
		shell.Warn("one", "n", i)
		control.Warn("two", "n", i)
		log.Debug("not at this level")
	}
	if n := strings.Count(b.String(), "\n"); n != 3 {
		t.Errorf("%d lines:\n%s", n, b.String())
	}
	time.Sleep(250 * time.Millisecond)
	b.Reset()
	shell.WithGroup("g").Warn("one")
	shell.Warn("one", "n", "again")
	if s := b.String(); strings.Count(s, "\n") != 2 || !strings.Contains(s, "suppressed=999") || !strings.Contains(s, "n=again") {
		t.Errorf("after the interval:\n%s", s)
	}
}
