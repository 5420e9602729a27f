package interp

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
)

func TestTry(t *testing.T) {
	f := os.Getenv("TRY")
	if f == "" {
		t.Skip("TRY")
	}
	if os.Getenv("DEBUG") != "" {
		slog.SetLogLoggerLevel(slog.LevelDebug)
	}
	src, _ := os.ReadFile(f)
	i, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	for n, c := range strings.Split(string(src), "\n%%\n") {
		if os.Getenv("CODE") != "" {
			u, err := i.session.Lower(n+1, c)
			if err == nil {
				fmt.Println(u.Code)
				i.session.Abandon(u)
			}
		}
		o := i.Eval(Cell{Count: n + 1, Source: c})
		if o.Err != nil {
			fmt.Println("ERR", o.Err.Name, "|", o.Err.Value)
			fmt.Println(strings.Join(o.Err.Traceback, "\n"))
		}
		if o.Value != nil {
			fmt.Println("VALUE", o.Value.Data["text/plain"])
		}
	}
}
