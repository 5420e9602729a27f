package main

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"spindle/kernel/client"
)

// What cells show by package display on a real kernel, and what the kernel then
// knows of the session.
func TestDisplayAndInspectionOnTheKernel(t *testing.T) {
	k := startKernel(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	run := func(t *testing.T, code string) []client.Output {
		t.Helper()
		r, err := k.Submit(client.Cell{Code: code})
		if err != nil {
			t.Fatal(err)
		}
		reply, err := r.Wait(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if reply.Status != "ok" {
			t.Fatalf("%s\n%s: %s", code, reply.EName, reply.EValue)
		}
		return r.Outputs()
	}
	run(t, "import \"spindle/display\"\nimport \"math\"\nimport \"image\"\nimport \"time\"\n")

	shows := []struct{ name, code, mime, text string }{
		{"html", `display.HTML("<b>bold</b>")`, "text/html", "bold"},
		{"markdown", `display.Markdown("*m*")`, "text/markdown", "*m*"},
		{"latex", "display.Latex(`\\pi`)", "text/latex", `\pi`},
		{"json", `display.JSON(map[string]any{"a": []int{1}})`, "application/json", `"a"`},
		{"text", `display.Text("t")`, "text/plain", "t"},
		{"svg", "display.SVG(`<svg width=\"1\" height=\"1\"><title>dot</title></svg>`)", "image/svg+xml", "dot"},
		{"image", `display.Image(image.NewGray(image.Rect(0, 0, 2, 3)))`, "image/png", "PNG image, 2×3"},
		{"table", "display.Table([]string{\"what\", \"took\"}, [][]any{\n\t{\"goroutine\", 310 * time.Nanosecond},\n\t{\"thread\", 25.5},\n})", "text/html", "goroutine  310ns"},
		{"grid", `display.Grid{Caption: "C", Headers: []string{"h"}, Rows: [][]any{{1}, {nil}}}`, "text/html", "C\nh"},
		{"records", `display.Records([]map[string]int{{"a": 1}, {"a": 2}})`, "text/html", "a\n-\n1\n2"},
		{"records of an own type", "type row struct {\n\tName string\n\tAge int\n\tsecret bool\n}\ndisplay.Records([]row{{\"ann\", 41, true}, {\"bob\", 7, false}})", "text/html", "Name  Age\n----  ---\nann    41"},
		{"plot", "var xs, ys []float64\nfor i := range 8 {\n\txs = append(xs, math.Pow(2, float64(i)))\n\tys = append(ys, float64(i+1))\n}\n" +
			"display.Plot(display.Chart{Title: \"T\", LogX: true, Series: []display.Series{{Name: \"s\", Kind: display.Scatter, X: xs, Y: ys}}})", "text/html", "T\n"},
		{"chart", `display.Chart{Title: "B", Categories: []string{"a"}, Series: []display.Series{{Kind: display.Bars, Values: []float64{2}}}}`, "text/html", "B\n"},
		{"rich", `display.Rich{Text: "t", Markdown: "*t*"}`, "text/markdown", "t"},
		{"own HTML", "type page struct{ s string }\nfunc (p page) HTML() string { return \"<i>\" + p.s + \"</i>\" }\npage{\"own\"}", "text/html", "own"},
		{"show", `display.Show(page{"shown"})`, "text/html", "shown"},
		{"in a goroutine", "done := make(chan bool)\ngo func() { display.HTML(\"<b>from it</b>\"); close(done) }()\n_ = <-done", "text/html", "from it"},
	}
	for _, test := range shows {
		t.Run(test.name, func(t *testing.T) {
			out := run(t, test.code)
			if len(out) != 1 {
				t.Fatalf("%d outputs: %+v", len(out), out)
			}
			if out[0].Data[test.mime] == nil {
				t.Errorf("no %s: %v", test.mime, out[0].Data)
			}
			if s, _ := out[0].Data["text/plain"].(string); !strings.Contains(s, test.text) {
				t.Errorf("text/plain is %q, want %q in it", s, test.text)
			}
		})
	}

	t.Run("updates in place", func(t *testing.T) {
		out := run(t, "h := display.NewHandle()\nh.Text(\"one\")\nh.Markdown(\"*two*\")\nbar := display.Progress(\"p\", 3)\nfor range 3 {\n\tbar.Add(1)\n}")
		if len(out) != 2 || out[0].Data["text/markdown"] != "*two*" {
			t.Fatalf("got %+v", out)
		}
		if s, _ := out[1].Data["text/plain"].(string); !strings.Contains(s, "3/3 100%") {
			t.Errorf("the bar ends as %q", s)
		}
	})

	run(t, "// Orbit is a path.\ntype Orbit struct {\n\tRadius float64 // in km\n}\n\n// Period is how long once round takes.\nfunc (o *Orbit) Period() time.Duration { return time.Hour }\n\nearth := Orbit{384400}")

	t.Run("completion", func(t *testing.T) {
		for code, want := range map[string]string{
			"earth.Per": "Period", "ear": "earth", "display.Mark": "Markdown", "math.Sq": "Sqrt", "strings.HasPre": "HasPrefix",
			"Orbit{Rad": "Radius: ", "%ti": "%time", "import \"spindle/di": "spindle/display\"", "größe := earth\ngröße.Ra": "Radius",
		} {
			var c struct {
				Matches     []string
				CursorStart int `json:"cursor_start"`
				CursorEnd   int `json:"cursor_end"`
			}
			ask(t, ctx, k, "complete_request", map[string]any{"code": code, "cursor_pos": len([]rune(code))}, &c)
			if !slices.Contains(c.Matches, want) {
				t.Errorf("%q: %q, want %q", code, c.Matches, want)
			}
			if c.CursorEnd != len([]rune(code)) || c.CursorStart > c.CursorEnd {
				t.Errorf("%q: replaces %d…%d", code, c.CursorStart, c.CursorEnd)
			}
		}
	})

	t.Run("inspection", func(t *testing.T) {
		for code, want := range map[string][]string{
			"earth.Period":        {"func (o *Orbit) Period() time.Duration", "Period is how long once round takes.", "line 7"},
			"Orbit{Radius":        {"field Radius float64", "in km"},
			"display.Progress":    {"func Progress(label string, total int) *Bar", "shows a progress bar", "package spindle/display"},
			"math.Sqrt":           {"func Sqrt(x float64) float64"},
			"%time earth.Period(": {"func (o *Orbit) Period()"},
		} {
			var r struct {
				Found bool
				Data  map[string]string
			}
			ask(t, ctx, k, "inspect_request", map[string]any{"code": code, "cursor_pos": len(code), "detail_level": 0}, &r)
			for _, w := range want {
				if !strings.Contains(r.Data["text/plain"], w) {
					t.Errorf("%q: lacks %q:\n%s", code, w, r.Data["text/plain"])
				}
			}
			if r.Found != (r.Data["text/html"] != "" && r.Data["text/markdown"] != "") {
				t.Errorf("%q: found %v in %v", code, r.Found, r.Data)
			}
		}
	})

	t.Run("is complete", func(t *testing.T) {
		var r struct{ Status, Indent string }
		ask(t, ctx, k, "is_complete_request", map[string]any{"code": "for i := range 3 {"}, &r)
		if r.Status != "incomplete" || r.Indent != "\t" {
			t.Errorf("got %+v", r)
		}
	})

	t.Run("warm completion is quick", func(t *testing.T) {
		best := time.Hour
		for range 10 {
			begin := time.Now()
			var c struct{ Matches []string }
			ask(t, ctx, k, "complete_request", map[string]any{"code": "earth.", "cursor_pos": 6}, &c)
			best = min(best, time.Since(begin))
		}
		t.Logf("%v over the sockets", best)
		if best > 60*time.Millisecond { // the aim is 30; test machines are busy
			t.Errorf("took %v at best", best)
		}
	})
}

func ask(t *testing.T, ctx context.Context, k *client.Kernel, msgType string, content, reply any) {
	t.Helper()
	raw, err := k.Request(ctx, msgType, content)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, reply); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
}
