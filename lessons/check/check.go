// Package check holds what a lesson claims, and what its learner thinks,
// against what was seen: a claim against this run's data (For), a guess against
// the measurement (Guess, Beside), an exercise against its answer (Exercise).
//
// An exercise's check runs what the learner wrote, with inputs of its own; it
// never looks at the source. When the answer is not right yet it says what was
// seen, and gives the next hint.
package check

import (
	"fmt"
	"html"
	"strings"
	"sync"
	"time"

	"spindle/kernel/display"
	"spindle/lessons/internal/journal"
)

// mimeCheck is how a check's outcome reaches `go run ./lessons verify`;
// docs/lesson-format.md.
const mimeCheck = "application/vnd.spindle.check+json"

// exercise is one task of a lesson. check returns "" where the answer is
// right, and otherwise what is not right yet and what was seen.
type exercise struct {
	id     string // "04-1"
	title  string
	hints  []string // from a nudge to nearly the answer
	praise string   // what the right answer shows
	check  func(a answer) string
}

func exercises() []exercise {
	var all []exercise
	for _, lesson := range []func() []exercise{
		lesson00, lesson01, lesson02, lesson03, lesson04, lesson05, lesson06,
		lesson07, lesson08, lesson09, lesson10, lesson11, lesson12, lesson13,
	} {
		all = append(all, lesson()...)
	}
	return all
}

// Task is an exercise as a learner meets it.
type Task struct{ exercise exercise }

// Exercise finds an exercise by its id, such as "04-1". It panics on an
// unknown id.
func Exercise(id string) Task {
	for _, e := range exercises() {
		if e.id == id {
			return Task{e}
		}
	}
	panic(fmt.Sprintf("no exercise has the id %q", id))
}

// IDs lists all exercises in the course's order.
func IDs() []string {
	var ids []string
	for _, e := range exercises() {
		ids = append(ids, e.id)
	}
	return ids
}

// tries counts, for each exercise, how many hints were given: each wrong answer
// and each call of Hint moves on by one.
var tries = struct {
	sync.Mutex
	given map[string]int
}{given: map[string]int{}}

// nextHint is the hint to give now, and the same with its number in a line.
// After the last one it stays there, and says where the solution is.
func (t Task) nextHint() (hint, line string) {
	tries.Lock()
	defer tries.Unlock()
	n, of := tries.given[t.exercise.id]+1, len(t.exercise.hints)
	tries.given[t.exercise.id] = min(n, of)
	hint = t.exercise.hints[min(n, of)-1]
	line = fmt.Sprintf("Hint %d of %d: %s", min(n, of), of, hint)
	if n >= of {
		line += fmt.Sprintf(" (The last one. A solution is in solutions/%s.md, beside the lessons.)", t.exercise.id[:2])
	}
	return hint, line
}

// Answer checks the learner's answer, which is usually a function of theirs,
// and shows whether it is right. It takes what the exercise's stub defines.
func (t Task) Answer(values ...any) {
	e := t.exercise
	problem := guard(30*time.Second, func() string { return e.check(answer{values}) })
	if problem == "" {
		keep(func(p *journal.Pages) { p.Passed[e.id] = true })
		display.Show(display.Bundle{Data: map[string]any{
			"text/plain": fmt.Sprintf("%s passed. %s", e.id, e.praise),
			"text/html": card(colour(holds), fmt.Sprintf(`<b>%s %s: <span style="color:%s">passed</span></b><br>%s`,
				e.id, html.EscapeString(e.title), colour(holds), html.EscapeString(e.praise))),
			mimeCheck: map[string]any{"exercise": e.id, "pass": true, "reason": e.praise, "hints": len(e.hints)},
		}})
		return
	}
	hint, line := t.nextHint()
	display.Show(display.Bundle{Data: map[string]any{
		"text/plain": fmt.Sprintf("%s not yet: %s\n%s", e.id, problem, line),
		"text/html": card(colour(inPart), fmt.Sprintf(
			`<b>%s %s: <span style="color:%s">not yet</span></b><br>%s<br><small>%s</small>`,
			e.id, html.EscapeString(e.title), colour(inPart), strings.ReplaceAll(html.EscapeString(problem), "\n", "<br>"),
			html.EscapeString(line))),
		mimeCheck: map[string]any{"exercise": e.id, "pass": false, "reason": problem, "hint": hint, "hints": len(e.hints)},
	}})
}

// Hint shows the exercise's next hint, without checking anything.
func Hint(id string) {
	_, line := Exercise(id).nextHint()
	display.Show(display.Bundle{Data: map[string]any{
		"text/plain": line,
		"text/html":  card(colour(""), html.EscapeString(line)),
	}})
}

// answer is what a learner gave to Task.Answer.
type answer struct{ values []any }

// take returns the i-th value of an answer as a T.
func take[T any](a answer, i int) (v T, problem string) {
	if i >= len(a.values) {
		return v, fmt.Sprintf("Answer wants what the stub defines: %d values came, and at least %d were expected", len(a.values), i+1)
	}
	v, ok := a.values[i].(T)
	if !ok {
		return v, fmt.Sprintf("the answer should be a %T, and is a %T", v, a.values[i])
	}
	return v, ""
}

// guard runs f, which runs the learner's code, and turns a panic or the lack
// of an end into words. The goroutine of a function that never returns stays
// behind: nothing can stop it, and the learner is told.
func guard(limit time.Duration, f func() string) string {
	done := make(chan string, 1)
	go func() {
		returned := false
		defer func() {
			if r := recover(); r != nil {
				done <- fmt.Sprintf("it panicked: %v", r)
			} else if !returned {
				done <- "it ended its goroutine instead of returning"
			}
		}()
		problem := f()
		returned = true
		done <- problem
	}()
	select {
	case problem := <-done:
		return problem
	case <-time.After(limit):
		return fmt.Sprintf("it had not come back after %v: what is it waiting for, and who could send it?", limit)
	}
}

// call runs f under a limit and returns "" where it came back.
func call(limit time.Duration, f func()) string {
	return guard(limit, func() string { f(); return "" })
}

// book is the learner's journal. Without one (no home folder) nothing is kept,
// and lessons go on.
var book = sync.OnceValues(func() (*journal.Book, error) { return journal.Open("") })

// keep changes the journal. A learner's lesson doesn't stop because a disk is
// full: the note says that nothing was kept.
func keep(change func(*journal.Pages)) {
	b, err := book()
	if err == nil {
		err = b.Change(change)
	}
	if err != nil {
		display.Text("(not kept for later lessons: " + err.Error() + ")")
	}
}

func read() journal.Pages {
	b, err := book()
	if err != nil {
		return journal.Pages{}
	}
	p, err := b.Read()
	if err != nil {
		display.Text("(" + err.Error() + ")")
	}
	return p
}
