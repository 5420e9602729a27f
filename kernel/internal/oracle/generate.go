package oracle

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// Generate makes a program of count functions out of what yaegi runs wrongly
// when combined: closures, loops, defer, goroutines, shadowing, select, panics
// and method values. Its output is the same in every run: goroutines only read
// what they share and write to slots of their own. The same seed gives the
// same program.
func Generate(seed uint64, count int) Program {
	g := &generator{r: rand.New(rand.NewPCG(seed, 42))}
	g.b.WriteString(prelude)
	for i := range count {
		g.function(i)
	}
	g.b.WriteString("\nfunc main() {\n")
	for i := range count {
		fmt.Fprintf(&g.b, "\tlines = 0\n\tlog(\"case%d\", case%d(%d, %d))\n", i, i, g.r.IntN(9), g.r.IntN(9))
	}
	g.b.WriteString("}\n")
	return Program{Name: fmt.Sprintf("generated/seed-%d", seed), Source: g.b.String()}
}

const prelude = `package main

import (
	"fmt"
	"sync"
)

var lines int

func log(tag string, vs ...any) {
	if lines++; lines < 200 {
		fmt.Println(append([]any{tag}, vs...)...)
	}
}

type box struct{ n int }

func (b box) get() int       { return b.n }
func (b box) plus(k int) int { return b.n + k }
func (b *box) add(k int) int { b.n += k; return b.n }

type getter interface{ get() int }

func seq(n int) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := 0; i < n; i++ {
			if !yield(i) {
				log("stop", i)
				return
			}
		}
	}
}

var _ sync.Mutex
var _ getter
`

type kind int

const (
	number  kind = iota // int, may be assigned
	counter             // int, a loop's variable: grows only
	frozen              // int that a goroutine must not assign
	thunk               // func() int
	unary               // func(int) int
	thunks              // []func() int
	object              // *box
)

type variable struct {
	name string
	kind kind
}

type generator struct {
	r      *rand.Rand
	b      strings.Builder
	indent int
	vars   []variable // in scope; later ones shadow
	tags   int
	depth  int
	inGo   bool
}

func (g *generator) line(format string, args ...any) {
	g.b.WriteString(strings.Repeat("\t", g.indent))
	fmt.Fprintf(&g.b, format, args...)
	g.b.WriteByte('\n')
}

func (g *generator) tag() string { g.tags++; return fmt.Sprintf("t%d", g.tags) }

func (g *generator) chance(percent int) bool { return g.r.IntN(100) < percent }

// visible are the variables of the given kinds that no inner one shadows.
func (g *generator) visible(kinds ...kind) []variable {
	seen := map[string]bool{}
	var out []variable
	for _, v := range slices.Backward(g.vars) {
		if !seen[v.name] {
			seen[v.name] = true
			if slices.Contains(kinds, v.kind) {
				out = append(out, v)
			}
		}
	}
	return out
}

func (g *generator) pick(kinds ...kind) (string, bool) {
	vs := g.visible(kinds...)
	if len(vs) == 0 {
		return "", false
	}
	return vs[g.r.IntN(len(vs))].name, true
}

var names = []string{"a", "b", "c", "d", "x", "y"}

func (g *generator) fresh() string { return names[g.r.IntN(len(names))] }

func (g *generator) declare(name string, k kind) {
	g.vars = append(g.vars, variable{name, k})
	g.line("_ = %s", name)
}

// block generates statements in a scope of its own.
func (g *generator) block(n int) {
	mark := len(g.vars)
	g.indent++
	g.depth++
	for range n {
		g.statement()
	}
	g.depth--
	g.indent--
	g.vars = g.vars[:mark]
}

func (g *generator) expr() string {
	switch g.r.IntN(10) {
	case 0, 1:
		return fmt.Sprint(g.r.IntN(20))
	case 2:
		if f, ok := g.pick(unary); ok && !g.inGo && g.depth < 4 {
			return fmt.Sprintf("%s(%s)", f, g.atom())
		}
	case 3:
		if f, ok := g.pick(thunk); ok && !g.inGo && g.depth < 4 {
			return f + "()"
		}
	case 4:
		if o, ok := g.pick(object); ok && !g.inGo {
			return [...]string{o + ".get()", o + ".plus(3)", o + ".add(2)", o + ".n", "getter(" + o + ").get()"}[g.r.IntN(5)]
		}
	case 5:
		return fmt.Sprintf("(%s*%s - %s)", g.atom(), g.atom(), g.atom())
	case 6:
		return fmt.Sprintf("func() int { return %s + %s }()", g.atom(), g.atom())
	case 7:
		return fmt.Sprintf("max(%s, %s)", g.atom(), g.atom())
	}
	return fmt.Sprintf("(%s + %s)", g.atom(), g.atom())
}

func (g *generator) atom() string {
	if v, ok := g.pick(number, counter, frozen); ok && g.chance(75) {
		return v
	}
	return fmt.Sprint(g.r.IntN(20))
}

func (g *generator) condition() string {
	return fmt.Sprintf("%s%%%d == %d", g.atom2(), 2+g.r.IntN(2), g.r.IntN(2))
}

// atom2 is an atom that is no constant, which the compiler would fold and warn of.
func (g *generator) atom2() string {
	if v, ok := g.pick(number, counter, frozen); ok {
		return v
	}
	return "len(fmt.Sprint(7))"
}

func (g *generator) log() {
	args := ""
	for i, v := range g.visible(number, counter, frozen) {
		if i == 4 {
			break
		}
		args += ", " + v.name
	}
	g.line("log(%q%s)", g.tag(), args)
}

// function makes one case: func caseN(a, b int) (r int).
func (g *generator) function(i int) {
	g.b.WriteByte('\n')
	g.vars = []variable{{"a", number}, {"b", number}, {"r", number}}
	g.line("func case%d(a, b int) (r int) {", i)
	g.indent++
	g.line("var fs []func() int")
	g.vars = append(g.vars, variable{"fs", thunks})
	for range 5 + g.r.IntN(5) {
		g.statement()
	}
	g.line("for _, f := range fs {")
	g.line("\tlog(%q, f(), f())", g.tag())
	g.line("}")
	g.log()
	g.line("return %s", g.atom())
	g.indent--
	g.line("}")
}

func (g *generator) statement() {
	choices := []func(){g.declaration, g.declaration, g.assignment, g.assignment, g.log, g.closure, g.keep}
	if g.depth < 3 {
		choices = append(choices, g.branch, g.loop, g.loop, g.rangeLoop, g.switching, g.deferral, g.deferral, g.object, g.call)
		if !g.inGo {
			choices = append(choices, g.goroutines, g.selecting, g.recovering, g.iterator)
		}
	}
	choices[g.r.IntN(len(choices))]()
}

func (g *generator) declaration() {
	switch g.r.IntN(4) {
	case 0:
		value := g.expr()
		g.tags++
		n := fmt.Sprintf("v%d", g.tags)
		g.line("var %s = %s", n, value)
		g.declare(n, number)
	case 1:
		x, y := g.expr(), g.expr()
		g.tags++
		n, m := fmt.Sprintf("v%d", g.tags), fmt.Sprintf("w%d", g.tags)
		g.line("%s, %s := %s, %s", n, m, x, y)
		g.declare(m, number)
		g.declare(n, number)
	default:
		g.shadow()
	}
}

// shadow opens a block with a variable that may hide another of its name.
func (g *generator) shadow() {
	n := g.fresh()
	g.line("{")
	g.line("\t%s := %s", n, g.expr())
	mark := len(g.vars)
	g.vars = append(g.vars, variable{n, number})
	g.line("\t%s += %s", n, g.atom())
	if fs, ok := g.pick(thunks); ok && !g.inGo {
		g.line("\t%s = append(%s, func() int { %s++; return %s })", fs, fs, n, n)
	}
	if g.depth < 3 {
		g.block(1)
	}
	g.line("\tlog(%q, %s)", g.tag(), n)
	g.vars = g.vars[:mark]
	g.line("}")
}

func (g *generator) assignment() {
	v, ok := g.pick(number)
	if !ok {
		return
	}
	switch g.r.IntN(5) {
	case 0:
		if w, ok := g.pick(number); ok && w != v {
			g.line("%s, %s = %s, %s+1", v, w, w, v)
			return
		}
		fallthrough
	case 1:
		g.line("%s = %s", v, g.expr())
	case 2:
		g.line("%s++", v)
	default:
		g.line("%s %s %s", v, [...]string{"+=", "-=", "^="}[g.r.IntN(3)], g.atom())
	}
}

func (g *generator) closure() {
	g.tags++
	name := fmt.Sprintf("f%d", g.tags)
	if g.chance(50) {
		g.line("%s := func(p int) int {", name)
		g.vars = append(g.vars, variable{"p", number})
	} else {
		g.line("%s := func() int {", name)
		g.vars = append(g.vars, variable{"p", kind(-1)})
	}
	isUnary := g.vars[len(g.vars)-1].kind == number
	g.block(1 + g.r.IntN(2))
	g.line("\treturn %s", g.expr())
	g.vars = g.vars[:len(g.vars)-1]
	g.line("}")
	if isUnary {
		g.declare(name, unary)
	} else {
		g.declare(name, thunk)
	}
}

// keep appends a closure over what is in scope to a list that is run later.
func (g *generator) keep() {
	fs, ok := g.pick(thunks)
	if !ok || g.inGo {
		return
	}
	body := fmt.Sprintf("return %s", g.expr())
	if v, ok := g.pick(number, counter); ok && g.chance(60) {
		body = fmt.Sprintf("%s += %d; return %s", v, 1+g.r.IntN(3), v)
	}
	g.line("%s = append(%s, func() int { %s })", fs, fs, body)
}

func (g *generator) branch() {
	if g.chance(50) {
		n := g.fresh()
		g.line("if %s := %s; %s%%2 == 0 {", n, g.expr(), n)
		g.vars = append(g.vars, variable{n, number})
		g.block(1 + g.r.IntN(2))
		g.line("} else {")
		g.block(1)
		g.vars = g.vars[:len(g.vars)-1]
		g.line("}")
		return
	}
	g.line("if %s {", g.condition())
	g.block(1 + g.r.IntN(2))
	g.line("}")
}

func (g *generator) jump() {
	if g.chance(30) {
		g.line("\tif %s {", g.condition())
		g.line("\t\t%s", [...]string{"continue", "break"}[g.r.IntN(2)])
		g.line("\t}")
	}
}

func (g *generator) loop() {
	n := g.fresh()
	g.line("for %s := %d; %s < %d; %s++ {", n, g.r.IntN(2), n, 2+g.r.IntN(3), n)
	g.vars = append(g.vars, variable{n, counter})
	g.jump()
	g.block(1 + g.r.IntN(3))
	if g.chance(40) && !g.inGo {
		if fs, ok := g.pick(thunks); ok {
			g.line("\t%s = append(%s, func() int { %s += 2; return %s })", fs, fs, n, n)
		}
	}
	g.vars = g.vars[:len(g.vars)-1]
	g.line("}")
}

func (g *generator) rangeLoop() {
	n, m := "i", "w"
	if g.chance(50) {
		g.line("for %s := range %d {", n, 2+g.r.IntN(2))
		g.vars = append(g.vars, variable{n, number})
		g.jump()
		g.block(1 + g.r.IntN(2))
		g.vars = g.vars[:len(g.vars)-1]
		g.line("\t_ = %s", n)
		g.line("}")
		return
	}
	g.line("for %s, %s := range []int{%s, %s, %s} {", n, m, g.atom(), g.atom(), g.atom())
	g.vars = append(g.vars, variable{n, number}, variable{m, number})
	g.line("\t_, _ = %s, %s", n, m)
	g.block(1 + g.r.IntN(2))
	g.vars = g.vars[:len(g.vars)-2]
	g.line("}")
}

func (g *generator) iterator() {
	g.line("for k := range seq(%d) {", 2+g.r.IntN(3))
	g.vars = append(g.vars, variable{"k", number})
	g.line("\t_ = k")
	g.jump()
	g.block(1 + g.r.IntN(2))
	g.vars = g.vars[:len(g.vars)-1]
	g.line("}")
}

func (g *generator) switching() {
	g.line("switch %s %% 3 {", g.atom2())
	g.line("case 0:")
	g.block(1)
	if g.chance(50) {
		g.line("\tfallthrough")
	}
	g.line("case 1, -1:")
	g.block(1)
	g.line("default:")
	g.block(1)
	g.line("}")
}

func (g *generator) deferral() {
	if g.inGo {
		return
	}
	if v, ok := g.pick(number); ok && g.chance(50) {
		g.line("defer func() { %s += 3; log(%q, %s) }()", v, g.tag(), v)
		return
	}
	if o, ok := g.pick(object); ok && g.chance(50) {
		g.line("defer %s.add(%s)", o, g.atom())
		return
	}
	g.line("defer log(%q, %s, %s)", g.tag(), g.atom(), g.expr())
}

func (g *generator) object() {
	g.tags++
	n := fmt.Sprintf("o%d", g.tags)
	g.line("%s := &box{%s}", n, g.atom())
	g.declare(n, object)
	if g.chance(60) {
		g.tags++
		m := fmt.Sprintf("f%d", g.tags)
		g.line("%s := %s.%s", m, n, [...]string{"plus", "add"}[g.r.IntN(2)])
		g.line("%s.n += 100", n)
		g.declare(m, unary)
	}
}

func (g *generator) call() {
	if f, ok := g.pick(unary); ok && !g.inGo {
		g.line("log(%q, %s(%s))", g.tag(), f, g.atom())
	}
}

// goroutines share what they read and write to a slot each.
func (g *generator) goroutines() {
	n := 2 + g.r.IntN(4)
	g.tags++
	res := fmt.Sprintf("res%d", g.tags)
	g.line("%s := make([]int, %d)", res, n)
	g.line("{")
	g.indent++
	g.line("var wg sync.WaitGroup")
	g.line("for g := 0; g < %d; g++ {", n)
	outer := g.vars
	g.vars = nil
	for _, v := range outer {
		switch v.kind {
		case number, counter, frozen:
			g.vars = append(g.vars, variable{v.name, frozen})
		}
	}
	g.inGo = true
	g.indent++
	form := g.r.IntN(3)
	switch form {
	case 0:
		g.line("wg.Add(1)")
		g.line("go func() {")
		g.line("\tdefer wg.Done()")
	case 1:
		g.line("wg.Go(func() {")
	case 2:
		g.line("wg.Add(1)")
		g.line("go func(g int) {")
		g.line("\tdefer wg.Done()")
	}
	g.vars = append(g.vars, variable{"g", frozen})
	g.line("\tmine := g * 10")
	g.vars = append(g.vars, variable{"mine", number})
	g.line("\tf := func(k int) int { mine += k; return mine }")
	g.indent++
	g.line("for j := 0; j < 3; j++ {")
	g.line("\tmine += f(j + g)")
	g.line("}")
	for range 2 {
		g.assignment()
	}
	g.indent--
	g.line("\t%s[g] = %s", res, g.exprPure())
	g.line("%s", [...]string{"}()", "})", "}(g)"}[form])
	g.indent--
	g.inGo = false
	g.vars = outer
	g.line("}")
	g.line("wg.Wait()")
	g.line("log(%q, %s)", g.tag(), res)
	g.indent--
	g.line("}")
}

func (g *generator) exprPure() string { return fmt.Sprintf("(%s + %s*3)", g.atom(), g.atom()) }

func (g *generator) selecting() {
	g.tags++
	ch := fmt.Sprintf("ch%d", g.tags)
	g.line("%s := make(chan int, 2)", ch)
	if g.chance(60) {
		g.line("%s <- %s", ch, g.atom())
	}
	if g.chance(40) {
		g.line("close(%s)", ch)
	}
	g.line("for range 2 {")
	g.line("\tselect {")
	switch g.r.IntN(2) {
	case 0:
		n := g.fresh()
		g.line("\tcase %s, ok := <-%s:", n, ch)
		g.vars = append(g.vars, variable{n, number})
		g.line("\t\tlog(%q, %s, ok)", g.tag(), n)
		if fs, ok := g.pick(thunks); ok {
			g.line("\t\t%s = append(%s, func() int { %s++; return %s })", fs, fs, n, n)
		}
		g.vars = g.vars[:len(g.vars)-1]
	case 1:
		g.line("\tcase <-%s:", ch)
		g.indent++
		g.block(1)
		g.indent--
	}
	g.line("\tdefault:")
	g.line("\t\tlog(%q)", g.tag())
	g.line("\t}")
	g.line("}")
}

func (g *generator) recovering() {
	g.line("func() {")
	g.indent++
	g.line("defer func() {")
	g.line("\tif x := recover(); x != nil {")
	g.line("\t\tlog(%q, x)", g.tag())
	g.line("\t}")
	g.line("}()")
	g.block(1)
	g.line("if %s {", g.condition())
	g.line("\t%s", [...]string{
		fmt.Sprintf("panic(%s)", g.expr()),
		fmt.Sprintf("log(%q, []int{1, 2}[3+%s%%2])", g.tag(), g.atom2()),
		fmt.Sprintf("var m map[int]int; m[%s] = 1", g.atom()),
		"var o *box; o.n = 1",
		"panic(fmt.Errorf(\"wrapped: %w\", fmt.Errorf(\"inner\")))",
	}[g.r.IntN(5)])
	g.line("}")
	g.log()
	g.indent--
	g.line("}()")
}
