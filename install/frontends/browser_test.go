package frontends

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"spindle/install/needs"
)

// patience is how long a page may take for one step on a machine that has
// other things to do; only a failure takes as long.
const patience = 90 * time.Second

// browser is a headless Chromium with one page.
type browser struct {
	t   *testing.T
	ctx context.Context
}

// newBrowser starts Chromium; it ends with the test.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(needs.Chromium(t)),
		chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Headless, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.WindowSize(1400, 1100),
	}
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium's sandbox refuses root
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits for Chromium's end
		cancel()
		stop()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return &browser{t, ctx}
}

// tab opens another page in the same Chromium; it closes with the test. A page
// that is left for another address would first ask about unsaved changes.
func (b *browser) tab(t *testing.T) *browser {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	return &browser{t, ctx}
}

// do runs actions, for at most a minute.
func (b *browser) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.shot("failed-" + strings.ReplaceAll(b.t.Name(), "/", "-"))
		b.t.Fatalf("%s: %v", what, err)
	}
}

// eval evaluates the body of a JavaScript function and decodes its value into out.
func (b *browser) eval(js string, out any) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("JSON.stringify((() => { "+js+" })() ?? null)"))
	if err != nil {
		b.t.Fatalf("evaluate %s: %v", js, err)
	}
	if err := json.Unmarshal([]byte(text), out); err != nil {
		b.t.Fatalf("evaluate %s: %v", js, err)
	}
}

// text is the value of a JavaScript body that returns a string.
func (b *browser) text(js string) string {
	b.t.Helper()
	var s string
	b.eval(js, &s)
	return s
}

// until waits for a JavaScript body to return true.
func (b *browser) until(what string, timeout time.Duration, js string) {
	b.t.Helper()
	for deadline := time.Now().Add(timeout); ; time.Sleep(100 * time.Millisecond) {
		var ok bool
		b.eval("return Boolean((() => { "+js+" })())", &ok)
		if ok {
			return
		}
		if time.Now().After(deadline) {
			b.shot("failed-" + strings.ReplaceAll(b.t.Name(), "/", "-"))
			b.t.Fatalf("%s: not within %v", what, timeout)
		}
	}
}

// shot keeps a screenshot under build/frontends.
func (b *browser) shot(name string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Errorf("take a screenshot: %v", err)
		return
	}
	if err := os.WriteFile(artifact(b.t, name+".png"), png, 0o644); err != nil {
		b.t.Error(err)
	}
}

// center is the middle of the element that a JavaScript body returns, once it
// is there and stands still.
func (b *browser) center(what, js string) (x, y float64) {
	b.t.Helper()
	b.until(what+" is on the page", patience, "const e = (() => { "+js+` })(); if (!e) return false;
		e.scrollIntoView({block: "nearest"}); const r = e.getBoundingClientRect(); return r.width > 0 && r.height > 0`)
	var at [2]float64
	b.eval("const r = (() => { "+js+" })().getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]", &at)
	return at[0], at[1]
}

// click clicks with the mouse where the element is that a JavaScript body returns.
func (b *browser) click(what, js string) {
	b.t.Helper()
	x, y := b.center(what, js)
	b.do("click "+what, move(x, y), chromedp.MouseClickXY(x, y))
}

// move moves the mouse: a menu opens its entries only under a mouse that came.
func move(x, y float64) chromedp.Action[chromedp.Void] {
	return chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, x, y, chromedp.ButtonNone)
}

// press presses a key with modifiers.
func (b *browser) press(key string, modifiers ...chromedp.Modifier) {
	b.t.Helper()
	b.do("press "+key, chromedp.KeyEvent(key, chromedp.KeyModifiers(modifiers...)))
}

// typing types text as from a keyboard.
func (b *browser) typing(text string) {
	b.t.Helper()
	b.do("type "+text, chromedp.KeyEvent(text))
}

// menu chooses an entry of JupyterLab's menu bar by its words.
func (b *browser) menu(bar string, path ...string) {
	b.t.Helper()
	item := func(class, words string) string {
		return fmt.Sprintf(`return [...document.querySelectorAll(".lm-%[1]s-item")].find(e =>
			e.querySelector(".lm-%[1]s-itemLabel")?.textContent.trim() === %[2]q)`, class, words)
	}
	// A click while the menu before it still closes only closes it: look, and
	// click again.
	for try := 0; ; try++ {
		b.click("the menu "+bar, item("MenuBar", bar))
		var open bool
		for wait := 0; wait < 20 && !open; wait++ {
			time.Sleep(100 * time.Millisecond)
			b.eval(`return Boolean(document.querySelector(".lm-Menu-item"))`, &open)
		}
		if open || try == 5 {
			break
		}
	}
	for _, words := range path {
		b.click("the menu's "+words, item("Menu", words))
	}
}

var (
	ctrl  = chromedp.ModifierCtrl
	shift = chromedp.ModifierShift
)

// Keys by the names that chromedp has for them.
const (
	enter = kb.Enter
	tab   = kb.Tab
	esc   = kb.Escape
	left  = kb.ArrowLeft
)
