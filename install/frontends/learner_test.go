package frontends

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// A learner does lesson 04 cell by cell, from its first to its takeaway:
// guesses, badly at first, runs what is there, tries the first exercise in
// ways that don't work and asks for hints, before it is right.
func TestLearner(t *testing.T) {
	server, folder := startLab(t)
	const name = "04-goroutine.ipynb"
	cells := readNotebook(t, lessonCopy(t, name, folder)).Cells
	p := open(t, newBrowser(t), server, folder, name)
	p.menu("Edit", "Clear Outputs of All Cells")
	at := func(id string) int {
		for i, c := range cells {
			if c.ID == id {
				return i
			}
		}
		t.Fatalf("the lesson has no cell %s", id)
		return 0
	}

	// The learner's own text for some cells; each run must show the words.
	type try struct {
		source string
		shows  []string
	}
	const greet = "func greet(names []string, speak func(string)) {\n"
	tries := map[string][]try{
		"g4-guess":      {{"heardWithoutSleep := 10 // surely", nil}},
		"g4-speak-runs": {{"", []string{"your guess: heard in 10 of 10 runs"}}},
		"g1-guess": {
			{`check.Guess("managed/threads", -3, "threads")`, []string{"Not kept: -3 threads is less than nothing"}},
			{`check.Guess("managed/threads", 10000, "threads")`, []string{"Your guess, kept: 10,000 threads"}},
		},
		"g1-managed": {{"", []string{"10,000"}}},
		"ex1-check":  {{"", []string{"not yet", "returned before everybody had spoken", "Hint 1 of 3"}}},
	}
	for i, c := range cells {
		if c.Type != "code" || i > at("ex1-check") {
			continue
		}
		todo := tries[c.ID]
		if todo == nil {
			todo = []try{{}}
		}
		for _, try := range todo {
			if try.source != "" {
				p.write(i, try.source)
			}
			p.run(i, patience)
			p.wants(i, try.shows...)
		}
		if got := p.output(i); strings.Contains(got, "error:") {
			t.Errorf("cell %s shows an error:\n%s", c.ID, got)
		}
	}
	if n := at("g1-managed"); !p.shows(n, "G1") || !p.shows(n, "holds") {
		t.Errorf("no verdict on G1 in:\n%s", p.output(n))
	}
	p.shot("learner-not-yet")

	// The check's cell serves for hints, the exercise's for the tries.
	exercise, check := at("ex1"), at("ex1-check")
	for _, hint := range []string{"starts a goroutine and counts it", "Start all of them first"} {
		p.write(check, `check.Hint("04-1")`)
		p.run(check, patience)
		p.wants(check, hint)
	}
	p.write(check, `check.Exercise("04-1").Answer(greet)`)
	for _, wrong := range []struct {
		source string
		shows  []string // beside the exercise, where it doesn't compile
		reason []string // of the check, where it does
	}{
		{greet + "\tfor _, name := range names {\n\t\tgo speak(nam)\n\t}\n}", []string{"undefined: nam"}, nil},
		{greet + "\tfor _, name := range names {\n\t\tgo speak(name)\n\t}\n\ttime.Sleep(10 * time.Millisecond)\n}", nil, []string{"not yet", "returned before everybody had spoken"}},
		{greet + "\tfor _, name := range names {\n\t\tspeak(name)\n\t}\n}", nil, []string{"not yet", "one after the other"}},
	} {
		p.write(exercise, wrong.source)
		p.run(exercise, patience)
		p.wants(exercise, wrong.shows...)
		if wrong.reason != nil {
			p.run(check, patience)
			p.wants(check, wrong.reason...)
		}
	}

	// One that never comes back is stopped by the button, and the guess, the
	// imports and everything else are still there.
	p.write(exercise, greet+"\tfor {\n\t\tfor _, name := range names {\n\t\t\tgo speak(name)\n\t\t}\n\t\ttime.Sleep(time.Second)\n\t}\n}")
	p.run(exercise, patience)
	p.start(check)
	p.until("the check is running", patience, "return "+cell(check)+`.querySelector(".jp-InputPrompt").textContent.includes("*")`)
	p.click("the interrupt button", `return document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden) [data-command="notebook:interrupt-kernel"], .jp-NotebookPanel:not(.lm-mod-hidden) .jp-ToolbarButton [title^="Interrupt"]')`)
	p.ended(check, patience)

	p.write(exercise, greet+"\tvar wg sync.WaitGroup\n\tfor _, name := range names {\n\t\twg.Go(func() { speak(name) })\n\t}\n\twg.Wait()\n}")
	p.run(exercise, patience)
	p.run(check, patience)
	p.wants(check, "No sleep, no guess at how long is long enough")
	if p.shows(check, "not yet") {
		t.Errorf("the solution isn't taken:\n%s", p.output(check))
	}
	p.eval(cell(check)+`.scrollIntoView({block: "center"})`, new(any))
	time.Sleep(500 * time.Millisecond) // scrolling is smooth
	p.shot("learner-passed")
}

// write replaces the text of the n-th cell, as pasting does.
func (p *page) write(n int, source string) {
	p.t.Helper()
	p.edit(n)
	p.press("a", ctrl)
	p.press(kb.Delete)
	p.do("paste", chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, input.InsertText, input.InsertTextParams{Text: source})
		return err
	}))
}

// shows tells whether the n-th cell's output has words in it.
func (p *page) shows(n int, words string) bool {
	p.t.Helper()
	return strings.Contains(p.output(n), words)
}
