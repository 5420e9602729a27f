package cell

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// over is a range over a function whose body is being lowered: the body is a
// closure, and leaving it early is told to the outside by a code.
type over struct {
	code    *local
	targets []target
	label   string
}

type target struct {
	tok   token.Token // BREAK, CONTINUE
	label string
}

const (
	leaveBreak  = 1
	leaveReturn = 2
	leaveOther  = 3 // and up: over.targets
)

// leave ends the body of a range over a function with a code.
func (u *lowerer) leave(code int, _ string) {
	r := u.f.rangeOf
	u.f.capture(r.code)
	u.line("*%s = %d", r.code.name, code)
	u.line("return false")
}

func (u *lowerer) push(label string, loop bool) { u.f.loop = append(u.f.loop, loopCtx{label, loop}) }
func (u *lowerer) pop()                         { u.f.loop = u.f.loop[:len(u.f.loop)-1] }

// coreLabel is the core's label for the learner's label in this function.
func (u *lowerer) coreLabel(label string) string {
	l, ok := u.f.labels[label]
	if !ok {
		l = u.s.next("L_" + pathIdent(label))
		u.f.labels[label] = l
	}
	return l
}

func (u *lowerer) labeled(s *ast.LabeledStmt) {
	name := s.Label.Name
	switch st := s.Stmt.(type) {
	case *ast.ForStmt:
		u.target(name)
		u.forStmt(st, name)
	case *ast.RangeStmt:
		u.target(name)
		u.rangeStmt(st, name)
	case *ast.SwitchStmt:
		u.target(name)
		u.switchStmt(st, name)
	case *ast.TypeSwitchStmt:
		u.target(name)
		u.typeSwitch(st, name)
	case *ast.SelectStmt:
		u.target(name)
		u.selectStmt(st, name)
	case *ast.BlockStmt:
		// break out of a labelled block: a loop that runs once.
		u.line("%s:", u.coreLabel(name))
		u.push(name, false)
		u.stmt(st)
		u.pop()
	default:
		u.line("%s:", u.coreLabel(name))
		u.stmt(s.Stmt)
	}
}

// target marks a place that goto may jump to before a labelled loop.
func (u *lowerer) target(name string) {
	u.line("%s_go:", u.coreLabel(name))
	u.line("_ = 0")
}

func (u *lowerer) branch(s *ast.BranchStmt) {
	label := ""
	if s.Label != nil {
		label = s.Label.Name
	}
	switch s.Tok {
	case token.FALLTHROUGH:
		u.line("fallthrough")
	case token.GOTO:
		l := u.coreLabel(label)
		if u.loopLabel(label) {
			l += "_go"
		}
		u.line("goto %s", l)
	default:
		u.branchTo(s.Tok, label)
	}
}

// loopLabel reports that label stands before a loop, switch or select of the
// function being lowered.
func (u *lowerer) loopLabel(label string) bool {
	return u.f.esc.loopLabels[label]
}

// branchTo lowers break or continue, out of the bodies of ranges over
// functions where need be.
func (u *lowerer) branchTo(tok token.Token, label string) {
	for i := len(u.f.loop) - 1; i >= 0; i-- {
		c := u.f.loop[i]
		if label != "" && c.label == label {
			u.line("%s %s", tok, u.coreLabel(label))
			return
		}
		if label == "" && (tok == token.BREAK || c.loop) {
			u.line("%s", tok)
			return
		}
	}
	r := u.f.rangeOf
	if r == nil {
		u.refuse("this "+tok.String(), "")
	}
	if label == "" || label == r.label {
		if tok == token.CONTINUE {
			u.line("return true")
			return
		}
		u.leave(leaveBreak, "")
		return
	}
	code := -1
	for i, t := range r.targets {
		if t.tok == tok && t.label == label {
			code = leaveOther + i
		}
	}
	if code < 0 {
		code = leaveOther + len(r.targets)
		r.targets = append(r.targets, target{tok, label})
	}
	u.leave(code, "")
}

// loopHead begins a core loop; label is the learner's.
func (u *lowerer) loopHead(label, head string) {
	if label != "" {
		u.line("%s:", u.coreLabel(label))
	}
	u.line("%s", head)
	u.line("core.Poll()")
}

func (u *lowerer) forStmt(s *ast.ForStmt, label string) {
	u.line("{")
	defer u.line("}")
	// A variable of the loop that a closure shares is a new one each time.
	var shared []*types.Var
	if as, ok := s.Init.(*ast.AssignStmt); ok && as.Tok == token.DEFINE {
		for _, l := range as.Lhs {
			if id, ok := l.(*ast.Ident); ok {
				if o, ok := u.f.info.Defs[id].(*types.Var); ok && u.f.esc.boxed(o) {
					shared = append(shared, o)
				}
			}
		}
	}
	if s.Init != nil {
		u.stmt(s.Init)
	}
	cond, pre := "", []line(nil)
	lowerCond := func() {
		if s.Cond == nil {
			return
		}
		outer := u.f.lines
		u.f.lines = nil
		u.f.pos = s.Cond.Pos()
		cond = bare(u.to(s.Cond, types.Typ[types.Bool]))
		pre = u.f.lines
		u.f.lines = outer
	}
	post := func() []line {
		if s.Post == nil {
			return nil
		}
		outer := u.f.lines
		u.f.lines = nil
		u.stmt(s.Post)
		p := u.f.lines
		u.f.lines = outer
		return p
	}
	if len(shared) == 0 {
		lowerCond()
		p := post()
		u.f.pos = s.For
		simplePost := len(p) == 1 && len(pre) == 0
		if simplePost || len(p) == 0 && len(pre) == 0 {
			pt := ""
			if len(p) == 1 {
				pt = p[0].text
			}
			u.loopHead(label, fmt.Sprintf("for ; %s; %s {", header(cond), pt))
			if cond == "" && pt == "" {
				u.f.lines[len(u.f.lines)-2].text = "for {"
			}
			u.push(label, true)
			u.stmts(s.Body.List)
			u.pop()
			u.line("}")
			return
		}
		first := u.s.next("v")
		u.line("%s := true", first)
		u.loopHead(label, fmt.Sprintf("for ; ; %s = false {", first))
		u.line("if !%s {", first)
		u.f.lines = append(u.f.lines, p...)
		u.line("}")
		u.f.lines = append(u.f.lines, pre...)
		if cond != "" {
			u.line("if !(%s) { break }", cond)
		}
		u.push(label, true)
		u.stmts(s.Body.List)
		u.pop()
		u.line("}")
		return
	}
	// prev holds the variables of the last iteration; each one copies them.
	prev := map[*types.Var]string{}
	for _, o := range shared {
		l := u.f.vars[o]
		prev[o] = u.temp(l.name)
	}
	first := u.temp("true")
	u.f.pos = s.For
	u.loopHead(label, fmt.Sprintf("for ; ; %s = false {", first))
	for _, o := range shared {
		l := &local{name: u.s.next(pathIdent(o.Name())), typ: u.s.subst(u.f.env, o.Type()), boxed: true, in: u.f}
		u.f.vars[o] = l
		u.declareLocal(l, "*"+prev[o])
		u.line("%s = %s", prev[o], l.name)
	}
	p := post()
	u.line("if !%s {", first)
	u.f.lines = append(u.f.lines, p...)
	u.line("}")
	lowerCond()
	u.f.lines = append(u.f.lines, pre...)
	if cond != "" {
		u.line("if !(%s) { break }", cond)
	}
	u.push(label, true)
	u.stmts(s.Body.List)
	u.pop()
	u.line("}")
}

// setRangeVar gives an iteration variable its value.
func (u *lowerer) setRangeVar(s *ast.RangeStmt, e ast.Expr, val string, t types.Type) {
	if e == nil || isBlank(e) {
		return
	}
	if s.Tok == token.DEFINE {
		if o, ok := u.f.info.Defs[e.(*ast.Ident)].(*types.Var); ok {
			u.defineVar(o, u.conv(val, t, o.Type()))
		}
		return
	}
	lv := u.lvalue(e)
	u.line("%s = %s", lv, u.conv(val, t, u.typeOf(e)))
}

// setRangeVars gives both iteration variables their values; where they are
// assigned, the operands of both come first.
func (u *lowerer) setRangeVars(s *ast.RangeStmt, k, v string, kt, vt types.Type) {
	if s.Tok == token.ASSIGN && used(s.Key) && used(s.Value) {
		ts := u.dests([]ast.Expr{s.Key, s.Value}, false)
		v = u.hold(v)
		for i := range ts {
			ts[i].at = u.locate(ts[i].e)
			ts[i].val = u.conv([]string{k, v}[i], []types.Type{kt, vt}[i], ts[i].typ)
		}
		u.stores(ts)
		return
	}
	u.setRangeVar(s, s.Key, k, kt)
	u.setRangeVar(s, s.Value, v, vt)
}

func used(e ast.Expr) bool { return e != nil && !isBlank(e) }

func (u *lowerer) rangeStmt(s *ast.RangeStmt, label string) {
	xt := u.under(s.X)
	if sig, ok := xt.(*types.Signature); ok {
		u.rangeFunc(s, label, sig)
		return
	}
	u.line("{")
	defer u.line("}")
	intT := types.Typ[types.Int]
	body := func() {
		u.push(label, true)
		u.stmts(s.Body.List)
		u.pop()
		u.line("}")
	}
	switch t := xt.(type) {
	case *types.Basic:
		if t.Info()&types.IsString != 0 {
			x := u.temp(u.expr(s.X))
			i, w := u.s.next("v"), u.s.next("v")
			u.line("%s := 0", i)
			u.line("%s := 0", w)
			u.loopHead(label, fmt.Sprintf("for ; %s < len(%s); %s = %s + %s {", i, x, i, i, w))
			r, w2 := u.s.next("v"), u.s.next("v")
			u.line("%s, %s := core.DecodeRune(%s, %s)", r, w2, x, i)
			u.line("%s = %s", w, w2)
			u.line("_ = %s", r)
			u.setRangeVars(s, i, r, intT, types.Typ[types.Rune])
			body()
			return
		}
		it := u.typeOf(s.X)
		if used(s.Key) {
			it = u.typeOf(s.Key)
			if id, ok := s.Key.(*ast.Ident); ok && s.Tok == token.DEFINE {
				it = u.s.subst(u.f.env, u.f.info.Defs[id].Type())
			}
		}
		it = types.Default(it)
		x := u.tx(it)
		n := u.temp(u.to(s.X, it))
		i := u.temp(x + "(0)")
		u.loopHead(label, fmt.Sprintf("for ; %s < %s; %s++ {", i, n, i))
		u.setRangeVar(s, s.Key, i, it)
		body()
	case *types.Slice, *types.Array, *types.Pointer:
		var elem types.Type
		length, base := "", ""
		switch t := t.(type) {
		case *types.Slice:
			elem = t.Elem()
			base = u.temp(u.operand(s.X))
			length = u.temp("len(" + base + ")")
		case *types.Array:
			elem = t.Elem()
			length = fmt.Sprint(t.Len())
			if used(s.Value) || u.hasCall(s.X) {
				base = u.temp(u.operand(s.X)) // a copy
			}
		case *types.Pointer:
			a := t.Elem().Underlying().(*types.Array)
			elem = a.Elem()
			length = fmt.Sprint(a.Len())
			base = "(*" + u.temp(u.expr(s.X)) + ")"
		}
		i := u.temp("0")
		u.loopHead(label, fmt.Sprintf("for ; %s < %s; %s++ {", i, length, i))
		if used(s.Value) {
			u.setRangeVars(s, i, base+"["+i+"]", intT, elem)
		} else {
			u.setRangeVar(s, s.Key, i, intT)
		}
		body()
	case *types.Map:
		it := u.temp("core.NewMapIter(" + u.native(Native{Kind: "any", Type: t}) + "(" + u.operand(s.X) + "))")
		u.loopHead(label, fmt.Sprintf("for %s.Next() {", it))
		if used(s.Key) {
			u.setRangeVar(s, s.Key, u.native(Native{Kind: "iterKey", Type: t.Key()})+"("+it+")", t.Key())
		}
		if used(s.Value) {
			u.setRangeVar(s, s.Value, u.native(Native{Kind: "iterValue", Type: t.Elem()})+"("+it+")", t.Elem())
		}
		body()
	case *types.Chan:
		ch := u.typed(u.operand(s.X), t)
		u.loopHead(label, "for {")
		v, ok := u.s.next("v"), u.s.next("v")
		u.line("%s, %s := <-%s", v, ok, ch)
		u.line("_ = %s", v)
		u.line("if !%s { break }", ok)
		u.setRangeVar(s, s.Key, v, t.Elem())
		body()
	default:
		u.refuse("a range over "+u.typeOf(s.X).String(), "")
	}
}

// rangeFunc lowers a range over a function: the body becomes the yield.
func (u *lowerer) rangeFunc(s *ast.RangeStmt, label string, sig *types.Signature) {
	outer := u.f
	u.line("{")
	fn := u.temp(u.operand(s.X))
	code := &local{name: u.s.next("code"), typ: codeType, in: outer}
	u.line("%s := new(int)", code.name)
	done := &local{name: u.s.next("done"), typ: codeType, in: outer}
	u.line("%s := new(int)", done.name)
	yield := u.s.subst(outer.env, sig.Params().At(0).Type()).Underlying().(*types.Signature)
	f := &fun{
		outer: outer, host: outer, name: outer.name + "-range", vars: map[types.Object]*local{}, info: outer.info, fset: outer.fset,
		env: outer.env, sig: yield, esc: outer.esc, labels: map[string]string{}, pos: s.Pos(),
		rangeOf: &over{code: code, label: label}, panick: outer.panick,
	}
	u.f = f
	if outer.panick != "" {
		for _, c := range outer.caps {
			if c.name == outer.panick {
				f.capture(c)
			}
		}
		if len(f.caps) == 0 {
			f.capture(&local{name: outer.panick, typ: panickType, in: outer})
		}
	}
	var params []string
	for i := range yield.Params().Len() {
		params = append(params, fmt.Sprintf("y%d %s", i, u.tx(yield.Params().At(i).Type())))
	}
	f.capture(done)
	u.line("core.Poll()")
	u.line("if *%s != 0 { core.IterDone(*%s) }", done.name, done.name)
	u.line("*%s = 1", done.name) // until the body ends well
	for i, e := range []ast.Expr{s.Key, s.Value} {
		if i < yield.Params().Len() {
			u.setRangeVar(s, e, fmt.Sprintf("y%d", i), u.s.subst(outer.env, yield.Params().At(i).Type()))
		}
	}
	u.stmts(s.Body.List)
	u.line("return true")
	// A body that ends well lets the iterator go on, or not (core.IterReady …).
	for i := range f.lines {
		switch l := &f.lines[i]; l.text {
		case "return true":
			l.text = fmt.Sprintf("*%s = 0; return true", done.name)
		case "return false":
			l.text = fmt.Sprintf("*%s = 2; return false", done.name)
		}
	}
	f.pos = s.Body.Rbrace
	mk := u.s.next("body")
	u.fileClosure(f, mk, params, u.txFunc(yield), " bool")
	u.f = outer
	u.line("%s(%s(%s))", fn, mk, u.capArgs(f))
	u.line("if *%s == 1 { core.IterSwallowed() }", done.name)
	u.line("*%s = 3", done.name)
	if u.returnsIn(s.Body) {
		u.line("if *%s == %d {", code.name, leaveReturn)
		host := hostOf(outer)
		switch {
		case outer == host:
			var refs []string
			for i := range host.results {
				refs = append(refs, u.resultRef(host, i))
			}
			u.line("return %s", strings.Join(refs, ", "))
		case outer.rangeOf != nil:
			u.leave(leaveReturn, "")
		default:
			u.line("return")
		}
		u.line("}")
	}
	for i, t := range f.rangeOf.targets {
		u.line("if *%s == %d {", code.name, leaveOther+i)
		u.branchTo(t.tok, t.label)
		u.line("}")
	}
	u.line("}")
}

// returnsIn reports a return in a body, function literals aside.
func (u *lowerer) returnsIn(b *ast.BlockStmt) bool {
	found := false
	ast.Inspect(b, func(n ast.Node) bool {
		switch n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ReturnStmt:
			found = true
		}
		return true
	})
	return found
}
