package frontends

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"spindle/install/internal/labserver"
	"spindle/kernel/client"
)

// The features that a person meets in JupyterLab, each in a notebook of its
// own, all in one JupyterLab and one browser.
func TestJupyterLab(t *testing.T) {
	server, folder := startLab(t)
	b := newBrowser(t)
	for _, f := range []struct {
		name  string
		cells []string
		test  func(*testing.T, *page)
	}{
		{"highlight", []string{"func add(a, b int) int {\n\treturn a + b // the sum\n}\nadd(1, 2)"}, highlighted},
		{"complete", []string{"import \"strings\"", "total := 1\nstrings.ToUp"}, completed},
		{"inspect", []string{"import \"strings\"", "strings.Repeat(\"ab\", 3)"}, inspected},
		{"runall", []string{"x := 1", "x++", "x * 21"}, ranAll},
		{"interrupt", []string{"kept := 7", "import \"time\"\nfor { time.Sleep(time.Millisecond) }", "1 + 1"}, interrupted},
		{"restart", []string{"gone := 7", "gone"}, restarted},
		{"stdin", []string{"import \"fmt\"\nvar name string\nfmt.Print(\"who? \")\nfmt.Scan(&name)\nfmt.Println(\"hello, \" + name)"}, asked},
		{"progress", []string{progressCell}, progressed},
		{"goroutines", []string{"ch := make(chan int)\nfor i := 0; i < 3; i++ { go func() { ch <- i }() }", "%goroutines"}, goroutines},
		{"trace", []string{"import \"sync\"", "%%trace\nvar wg sync.WaitGroup\nfor range 4 {\n\twg.Go(func() { for i := 0; i < 200000; i++ {} })\n}\nwg.Wait()"}, traced},
		{"late output", []string{"import (\"fmt\"; \"time\")\ngo func() { time.Sleep(2 * time.Second); fmt.Println(\"late\") }()", "fmt.Println(\"second\")\ntime.Sleep(3 * time.Second)"}, late},
		{"ps", []string{"%ps"}, processes},
		{"rich", []string{"import \"spindle/display\"\ndisplay.Markdown(\"**bold** and $x^2$\")", chartCell}, rich},
	} {
		t.Run(f.name, func(t *testing.T) {
			name := f.name + ".ipynb"
			put(t, folder, name, f.cells...)
			p := open(t, b, server, folder, name)
			defer p.closeKernels()
			f.test(t, p)
			p.shot(f.name)
		})
	}
	t.Run("themes", func(t *testing.T) { themes(t, b, server, folder) })
	t.Run("notebook 7", func(t *testing.T) { notebook7(t, b, server, folder) })
	t.Run("two front ends", func(t *testing.T) { twoFrontEnds(t, b, server, folder) })
}

const progressCell = `import (
	"time"
	"spindle/display"
)
bar := display.Progress("spinning", 100)
for i := 0; i < 100; i++ {
	bar.Add(1)
	time.Sleep(100 * time.Millisecond)
}`

const chartCell = `import "spindle/display"
display.Plot(display.Chart{
	Title: "squares", XLabel: "n", YLabel: "n²",
	Series: []display.Series{{Name: "n²", X: []float64{1, 2, 3, 4}, Y: []float64{1, 4, 9, 16}}},
})`

// closeKernels ends the notebook's kernel, so that none waits till the end.
func (p *page) closeKernels() {
	var list []struct {
		ID string `json:"id"`
	}
	api(p.t, p.server, "GET", "/api/kernels", &list)
	for _, k := range list {
		api(p.t, p.server, "DELETE", "/api/kernels/"+k.ID, nil)
	}
}

// highlighted: keywords, comments and plain names have colours of their own.
func highlighted(t *testing.T, p *page) {
	color := func(word string) string {
		return p.text(fmt.Sprintf("return [..."+cell(0)+`.querySelectorAll(".cm-line span")].filter(e => e.textContent.trim() === %q).map(e => getComputedStyle(e).color)[0] ?? ""`, word))
	}
	keyword, comment := color("func"), color("// the sum")
	plain := p.text("return getComputedStyle(" + cell(0) + `.querySelector(".cm-content")).color`)
	if keyword == "" || comment == "" || keyword == plain || comment == plain || keyword == comment {
		t.Errorf("colours: func %q, comment %q, plain %q", keyword, comment, plain)
	}
	p.run(0, patience)
	p.wants(0, "3")
}

// completed: Tab completes a member of a package and a name of the session.
func completed(t *testing.T, p *page) {
	p.run(0, patience)
	p.edit(1)
	p.press(tab)
	p.until("the word is completed or choices are shown", patience, `return document.querySelector(".jp-Completer:not(.lm-mod-hidden) .jp-Completer-item") || `+
		cell(1)+`.querySelector(".cm-content").innerText.includes("ToUpper")`)
	p.shot("completions")
	var shown []string
	p.eval(`return [...document.querySelectorAll(".jp-Completer-item .jp-Completer-match")].map(e => e.textContent)`, &shown)
	if len(shown) > 0 {
		if !strings.Contains(strings.Join(shown, " "), "ToUpper") {
			t.Errorf("choices: %q", shown)
		}
		p.press(enter)
	}
	p.until("the choice is in the cell", patience, "return "+cell(1)+`.querySelector(".cm-content").innerText.includes("strings.ToUpper")`)
	if got := p.text("return " + cell(1) + `.querySelector(".cm-content").innerText`); strings.Contains(got, "strings.strings") {
		t.Errorf("completed to %q", got)
	}
	// The cell's own names, before it has run.
	p.press(esc)
	p.press(enter)
	p.edit(1)
	p.press(enter)
	p.typing("tot")
	p.press(tab)
	p.until("the cell's own name is completed or shown", patience, `return [...document.querySelectorAll(".jp-Completer-item .jp-Completer-match")].some(e => e.textContent === "total") || `+
		cell(1)+`.querySelector(".cm-line:last-child").innerText.includes("total")`)
}

// inspected: Shift-Tab shows the signature and the documentation.
func inspected(t *testing.T, p *page) {
	p.run(0, patience)
	p.edit(1)
	for range len(`at("ab", 3)`) {
		p.press(left)
	}
	p.press(tab, shift)
	p.until("documentation is shown", patience, `return document.querySelector(".jp-Tooltip")`)
	tip := p.text(`return document.querySelector(".jp-Tooltip").innerText`)
	for _, want := range []string{"Repeat", "count int", "consisting of count copies"} {
		if !strings.Contains(tip, want) {
			t.Errorf("the tooltip lacks %q:\n%s", want, tip)
		}
	}
}

func ranAll(_ *testing.T, p *page) {
	p.menu("Run", "Run All Cells")
	p.ended(2, patience)
	p.wants(2, "42")
}

// interrupted: the button stops a loop, what was there before stays, and the
// kernel goes on.
func interrupted(_ *testing.T, p *page) {
	p.run(0, patience)
	p.start(1)
	p.until("the cell runs", patience, "return "+cell(1)+`.querySelector(".jp-InputPrompt").textContent.includes("*")`)
	time.Sleep(500 * time.Millisecond) // let the loop be under way
	p.click("the interrupt button", `return document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden) [data-command="notebook:interrupt-kernel"]')`)
	p.ended(1, patience)
	p.wants(1, "interrupted")
	p.shot("interrupt-cell")
	p.run(2, patience)
	p.wants(2, "2")
}

// restarted: the button, the question, and the session's names are gone.
func restarted(_ *testing.T, p *page) {
	p.run(0, patience)
	p.run(1, patience)
	p.wants(1, "7")
	p.click("the restart button", `return document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden) [data-command="notebook:restart-kernel"]')`)
	p.click("the dialog's Restart", `return document.querySelector(".jp-Dialog .jp-mod-accept")`)
	p.until("the numbers are gone or the kernel is idle", patience, `return !document.querySelector(".jp-Dialog")`)
	time.Sleep(time.Second) // the restart takes the status away from idle first
	p.idle(30 * time.Second)
	p.start(1)
	p.until("the error is there", patience, "return "+cell(1)+`.innerText.includes("undefined")`)
	p.wants(1, "undefined: gone")
}

// asked: a box to type into, and the cell goes on with what was typed.
func asked(_ *testing.T, p *page) {
	p.start(0)
	p.until("a box is shown", patience, `return document.querySelector(".jp-Stdin-input")`)
	p.shot("stdin-box")
	p.click("the box", `return document.querySelector(".jp-Stdin-input")`)
	p.typing("Ada")
	p.press(enter)
	p.ended(0, patience)
	p.wants(0, "who?", "hello, Ada")
}

// progressed: the bar moves while the cell runs, in place.
func progressed(t *testing.T, p *page) {
	p.start(0)
	measure := "return " + cell(0) + `.querySelector(".jp-OutputArea")?.innerText ?? ""`
	p.until("a bar is shown", patience, `return /\d+\s*%|\d+\s*(\/|of)\s*\d+/.test((() => { `+measure+` })())`)
	first := p.text(measure)
	p.shot("progress-begin")
	time.Sleep(1500 * time.Millisecond)
	second := p.text(measure)
	p.ended(0, patience)
	last := p.text(measure)
	if first == second || second == last {
		t.Errorf("the bar stands still: %q, %q, %q", first, second, last)
	}
	var n int
	p.eval("return "+cell(0)+`.querySelectorAll(".jp-OutputArea-child").length`, &n)
	if n != 1 {
		t.Errorf("%d outputs, want one that was updated in place", n)
	}
}

// goroutines: %goroutines lists the three that wait, with what they wait for.
func goroutines(t *testing.T, p *page) {
	p.run(0, patience)
	p.run(1, patience)
	p.wants(1, "chan send")
	var rows int
	p.eval("return "+cell(1)+`.querySelectorAll("table tr").length`, &rows)
	if rows < 2 {
		t.Errorf("%d rows in the table", rows)
	}
}

// traced: %%trace draws a timeline, static and in place.
func traced(_ *testing.T, p *page) {
	p.run(0, patience)
	p.run(1, patience)
	p.until("the timeline is drawn", patience, plotIn(1))
	p.until("parts of it have titles for the pointer", patience, "return ["+"..."+cell(1)+`.querySelectorAll(".jp-OutputArea-output [title]")].some(e => {
		const r = e.getBoundingClientRect(); return /^G\d+ (running|waiting)/.test(e.title) && r.width > 1 && document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2) === e })`)
}

// late: what a goroutine prints goes to its cell, while another one runs.
func late(t *testing.T, p *page) {
	p.run(0, patience)
	p.run(1, patience)
	p.wants(1, "second")
	p.until("the first cell shows it", patience, "return "+cell(0)+`.querySelector(".jp-OutputArea")?.innerText.includes("late")`)
	if got := p.output(1); strings.Contains(got, "late") {
		t.Errorf("the other cell shows\n%s", got)
	}
}

// processes: %ps lists at least the worker.
func processes(t *testing.T, p *page) {
	p.run(0, patience)
	var rows int
	p.eval("return "+cell(0)+`.querySelectorAll("table tr").length`, &rows)
	if rows < 2 {
		t.Errorf("%d rows in the table; the cell shows:\n%s", rows, p.output(0))
	}
}

func rich(_ *testing.T, p *page) {
	p.run(0, patience)
	p.until("Markdown is rendered", patience, "return "+cell(0)+`.querySelector(".jp-RenderedMarkdown strong")`)
	p.run(1, patience)
	p.until("the plot is drawn", patience, plotIn(1))
}

// plotIn is JavaScript that tells whether the n-th cell shows a plot.
func plotIn(n int) string {
	return "return [..." + cell(n) + `.querySelectorAll(".jp-OutputArea-output img, .jp-OutputArea-output svg")].some(e => {
		const r = e.getBoundingClientRect(); return r.width > 200 && r.height > 100 && (e.tagName !== "IMG" || e.naturalWidth > 0) })`
}

// themes: a lesson's cell in the light and the dark theme.
func themes(t *testing.T, b *browser, server *labserver.Server, folder string) {
	put(t, folder, "themes.ipynb", "func add(a, b int) int { return a + b }\nadd(1, 2)", chartCell,
		"import \"fmt\"\nfmt.Println(\"out\")\ndisplay.Table([]string{\"unit\", \"ns\"}, [][]any{{\"goroutine\", 300}, {\"thread\", 25000}})", "undefined1")
	p := open(t, b, server, folder, "themes.ipynb")
	defer p.closeKernels()
	p.menu("Run", "Run All Cells")
	p.ended(3, patience)
	p.until("the plot is drawn", patience, plotIn(1))
	var backgrounds [2]string
	for i, theme := range []string{"JupyterLab Light", "JupyterLab Dark"} {
		p.menu("Settings", "Theme", theme)
		p.until(theme, patience, fmt.Sprintf(`return document.body.dataset.jpThemeName === %q`, theme))
		time.Sleep(500 * time.Millisecond) // the style sheet follows
		backgrounds[i] = p.text(`return getComputedStyle(document.querySelector(".jp-Notebook")).backgroundColor`)
		p.shot("theme-" + strings.ToLower(strings.TrimPrefix(theme, "JupyterLab ")))
	}
	if backgrounds[0] == backgrounds[1] {
		t.Errorf("both themes have the background %s", backgrounds[0])
	}
	p.menu("Settings", "Theme", "JupyterLab Light")
	p.until("light again", patience, `return document.body.dataset.jpThemeName === "JupyterLab Light"`)
}

// notebook7: the same server's Notebook 7 runs a notebook too.
func notebook7(t *testing.T, b *browser, server *labserver.Server, folder string) {
	put(t, folder, "seven.ipynb", "x := 6", chartCell, "x * 7")
	p := &page{b.tab(t), server, folder, "seven.ipynb"}
	p.do("open Notebook 7", chromedp.Navigate(fmt.Sprintf("http://127.0.0.1:%d/notebooks/seven.ipynb?token=%s", server.Port, server.Token)))
	defer p.closeKernels()
	p.until("the kernel is there", patience, `return document.querySelector(".jp-Toolbar-kernelName")?.innerText.includes("Go (Spindle)") &&
		document.querySelector(".jp-Notebook-ExecutionIndicator")?.dataset.status === "idle" && document.querySelector(".jp-Cell")`)
	p.menu("Run", "Run All Cells")
	p.until("the last cell has run", patience, "return "+cell(2)+`?.querySelector(".jp-Cell-outputArea")?.innerText.includes("42")`)
	p.until("the plot is drawn", patience, plotIn(1))
	p.shot("notebook7")
}

// twoFrontEnds: a client beside JupyterLab on the same kernel; both see the
// same names, and each gets its own outputs.
func twoFrontEnds(t *testing.T, b *browser, server *labserver.Server, folder string) {
	put(t, folder, "two.ipynb", "shared := 20", "shared")
	p := open(t, b, server, folder, "two.ipynb")
	defer p.closeKernels()
	p.run(0, patience)
	var list []struct {
		ID string `json:"id"`
	}
	api(t, server, "GET", "/api/kernels", &list)
	if len(list) != 1 {
		t.Fatalf("%d kernels", len(list))
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := client.Connect(ctx, filepath.Join(runtimeDir(), "kernel-"+list[0].ID+".json"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for i := range 5 {
		r, err := c.Submit(client.Cell{Code: "shared += 2\nshared"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Wait(ctx); err != nil {
			t.Fatal(err)
		}
		if got, want := client.Text(r.Outputs()), strconv.Itoa(22+2*i); !strings.Contains(got, want) {
			t.Errorf("the second front end got %q, want %s", got, want)
		}
	}
	p.run(1, patience)
	p.wants(1, "30")
}
