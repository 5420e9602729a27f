package cell

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"sort"
	"strconv"
	"strings"
)

// Unit is a cell ready to run: core code for yaegi, and what has to be made
// natively before it is loaded.
type Unit struct {
	Count   int
	Code    string    // a Go file of package main
	Lines   []Place   // place of each line of Code; index 0 is line 1
	Types   []TypeDef // native structs, in the order to make them
	Descs   []DescDef
	Renewed []types.Type // types checked again, which may have other methods now
	Natives []Native
	Vars    []VarDef
	Imports []string     // paths of the compiled packages that Code imports
	Setup   string       // the function that registers methods; "" without any
	Entry   string       // the function that runs the cell
	Value   []types.Type // types of the last expression's values, if shown
	Notes   []string     // what the learner should be told: names dropped, imports added

	checked *checked
	decls   map[string]*decl
	insts   map[string]*inst
}

// Place is where a line of core code comes from.
type Place struct {
	Cell, Line int
	Func       string // "main.worker", "main.(*T).M", "main.f.func1"
}

// VarDef asks for a session variable of Type, reached as *g.Name. Keep says
// that it may exist already, with a value to keep.
type VarDef struct {
	Name string
	Type types.Type
}

// Native asks for a native function n.Name, made by reflection.
type Native struct {
	Name string
	Kind string       // which of core's makers; see package interp
	Type types.Type   // the type it is about
	To   types.Type   // conversions: the target
	Sig  []types.Type // operand types, for instances of generic functions
	Res  []types.Type
	Arg  string // method name or "slices.Sort"
	// Variadic says that the last operand is a slice of Sig's last type.
	Variadic bool
}

// inst is one instance of a generic function, or a plain function to lower.
type inst struct {
	name string
	decl *decl
	env  env
	key  string
}

// lowerer makes one Unit.
type lowerer struct {
	s     *Session
	unit  *Unit
	pkgs  map[string]string
	funcs []*fun // finished core functions
	f     *fun   // the one being made
	queue []*inst
	nats  map[string]string
	decls map[string]*decl // declarations of this unit by name
	objs  map[types.Object]*decl
	inits []*decl  // functions called init
	table []string // statements that register methods
	regs  map[string]bool
}

// fun is one core function being made.
type fun struct {
	outer   *fun // the function whose literal this is
	head    string
	name    string // for traces
	lines   []line
	vars    map[types.Object]*local
	caps    []*local // captured from outer, in order
	bound   []string // parameters that its maker takes
	info    *types.Info
	fset    *token.FileSet
	env     env
	sig     *types.Signature
	results []*local
	esc     *escapes
	frame   string // the core.Frame of a function that defers; "" without
	panick  string // the *core.Panicking that recover() reads; "" without
	nlits   int
	isBody  bool  // the inner function of a frame: return stores results
	host    *fun  // of a body: the function whose results it sets
	rangeOf *over // inside the body of a range over a function
	labels  map[string]string
	loop    []loopCtx
	pos     token.Pos
	// ordering says that operands are being lowered that a call among them may
	// change: what calls goes to lines, what merely reads to late.
	ordering bool
	late     []line
}

type line struct {
	text string
	pos  token.Pos
}

// local is a variable of a core function.
type local struct {
	name  string
	typ   types.Type
	boxed bool
	in    *fun // the function that declares it
}

// refusal travels by panic from deep inside lowering to Lower.
type refusal struct{ r *Refusal }

func (u *lowerer) env() env {
	if u.f == nil {
		return nil
	}
	return u.f.env
}

func (u *lowerer) refuse(what, instead string) {
	e := Error{Msg: "the interpreter cannot run " + what + " as Go does"}
	if u.f != nil && u.f.fset != nil {
		p := u.s.at(u.f.fset, u.f.pos, e.Msg)
		e = p
	}
	if instead == "" {
		instead = "begin the cell with %%go to run it with the Go toolchain"
	}
	panic(refusal{&Refusal{e, instead}})
}

// Lower checks and lowers a cell. The session is unchanged until Commit.
func (s *Session) Lower(count int, src string) (unit *Unit, err error) {
	c, err := s.check(count, src, false)
	if err != nil {
		return nil, err
	}
	u := &lowerer{
		s: s, unit: &Unit{Count: count, checked: c, insts: map[string]*inst{}},
		pkgs: map[string]string{}, nats: map[string]string{}, decls: map[string]*decl{},
		objs: map[types.Object]*decl{}, regs: map[string]bool{},
	}
	defer func() {
		switch r := recover().(type) {
		case nil:
		case refusal:
			// What the failed cell named must not be taken for made.
			for _, t := range u.unit.Types {
				s.forget(t.Name)
			}
			for _, d := range u.unit.Descs {
				s.forget(d.Name)
			}
			unit, err = nil, r.r
		default:
			panic(r)
		}
	}()
	for t := range c.parted {
		delete(s.shapes, t) // another type, though it looks the same
	}
	u.declare(c)
	u.cell(c)
	for len(u.queue) > 0 {
		in := u.queue[0]
		u.queue = u.queue[1:]
		u.function(in)
	}
	u.unit.decls = u.decls
	u.assemble()
	u.unit.Notes = c.notes
	return u.unit, nil
}

func (s *Session) forget(name string) {
	for id, n := range s.refs {
		if n == name {
			delete(s.refs, id)
		}
	}
}

// Abandon forgets what a unit that could not be loaded had named.
func (s *Session) Abandon(u *Unit) {
	for _, t := range u.Types {
		s.forget(t.Name)
	}
	for _, d := range u.Descs {
		s.forget(d.Name)
	}
}

// declare names everything that the unit declares, before any of it is lowered.
func (u *lowerer) declare(c *checked) {
	reg := func(name string, obj types.Object, p *piece, node *ast.FuncDecl) *decl {
		if obj == nil {
			return nil
		}
		pos := c.fset.Position(obj.Pos())
		d := &decl{name: name, obj: obj, piece: p, node: node, info: c.info, fset: c.fset, line: pos.Line}
		if p != nil {
			d.cell = p.cell
		} else {
			d.cell = c.count
		}
		u.decls[name], u.objs[obj] = d, d
		return d
	}
	each := func(d ast.Decl, p *piece) {
		if p != nil {
			p.uses = c.uses(d)
		}
		switch d := d.(type) {
		case *ast.FuncDecl:
			n := declNames(d)[0]
			if n == "_" || d.Name.Name == "_" {
				return
			}
			in := reg(n, c.info.Defs[d.Name], p, d)
			if n == "init" && in != nil {
				u.inits = append(u.inits, in)
			}
		case *ast.GenDecl:
			for _, sp := range d.Specs {
				switch sp := sp.(type) {
				case *ast.TypeSpec:
					if sp.Name.Name == "_" {
						continue
					}
					o := c.info.Defs[sp.Name]
					reg(sp.Name.Name, o, p, nil)
					if tn, ok := o.(*types.TypeName); ok && !tn.IsAlias() {
						u.s.rhs[tn] = c.info.TypeOf(sp.Type)
					}
				case *ast.ValueSpec:
					for _, n := range sp.Names {
						if o := c.info.Defs[n]; o != nil && n.Name != "_" && !strings.Contains(n.Name, "·") {
							reg(n.Name, o, p, nil)
						}
					}
				}
			}
		}
	}
	for _, q := range c.old {
		for _, d := range q.file.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.IMPORT {
				continue
			}
			each(d, q.p)
		}
	}
	for _, it := range c.items {
		switch {
		case it.fun != nil:
			each(it.fun, it.p)
		case it.gen != nil:
			each(it.gen, it.p)
		case it.spec != nil:
			each(&ast.GenDecl{Tok: token.VAR, Specs: []ast.Spec{it.spec}}, nil)
		}
	}
	// Live variables that a redefinition declared anew keep their slots.
	if c.affected != nil {
		for n, d := range u.s.names {
			v, ok := d.obj.(*types.Var)
			if !ok || u.decls[n] != nil || c.stale[n] || !c.affected[n] {
				continue
			}
			o := c.pkg.Scope().Lookup(n)
			if o == nil {
				continue
			}
			nd := reg(n, o, d.piece, nil)
			nd.cell, nd.line, nd.low = d.cell, d.line, d.low
			if u.s.id(v.Type()) != u.s.id(o.Type()) {
				nd.low = u.s.next("V_" + n)
				u.unit.Vars = append(u.unit.Vars, VarDef{nd.low, o.Type()})
				c.notes = append(c.notes, n+" is zero again: its type has changed")
			}
		}
	}
	var names []string
	for n := range u.decls {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		d := u.decls[n]
		v, ok := d.obj.(*types.Var)
		if !ok || d.low != "" {
			continue
		}
		if old := u.s.names[n]; old != nil {
			if ov, ok := old.obj.(*types.Var); ok && u.s.id(ov.Type()) == u.s.id(v.Type()) {
				d.low = old.low
				continue
			}
		}
		d.low = u.s.next("V_" + n)
		u.unit.Vars = append(u.unit.Vars, VarDef{d.low, v.Type()})
	}
	for _, d := range u.inits {
		d.low = u.s.next("f_init")
		u.queue = append(u.queue, &inst{name: d.low, decl: d})
	}
	for _, n := range names {
		d := u.decls[n]
		if f, ok := d.obj.(*types.Func); ok && d.node != nil && n != "init" {
			d.low = u.s.next(pathIdent("f_" + n))
			if !isGeneric(f) && d.node.Body != nil {
				u.queue = append(u.queue, &inst{name: d.low, decl: d})
			}
		}
	}
}

func isGeneric(f *types.Func) bool {
	sig := f.Type().(*types.Signature)
	return sig.TypeParams().Len() > 0 || sig.RecvTypeParams().Len() > 0
}

// lookup finds the declaration behind a package-level object of the cells.
func (u *lowerer) lookup(o types.Object) *decl {
	if d := u.objs[o]; d != nil {
		return d
	}
	name := o.Name()
	if f, ok := o.(*types.Func); ok {
		if r := f.Type().(*types.Signature).Recv(); r != nil {
			name = recvTypeName(r.Type()) + "." + name
		}
	}
	if d := u.decls[name]; d != nil {
		return d
	}
	return u.s.names[name]
}

func recvTypeName(t types.Type) string {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	if n, ok := types.Unalias(t).(*types.Named); ok {
		return n.Obj().Name()
	}
	return ""
}

// instance names the core function for f with the given type arguments.
func (u *lowerer) instance(f *types.Func, e env, args []types.Type) (string, *decl) {
	d := u.lookup(f.Origin())
	if d == nil || d.node == nil {
		u.refuse("a call of "+f.Name()+", whose source is gone,", "run the cell that declares it again")
	}
	if len(args) == 0 {
		return d.low, d
	}
	var key strings.Builder
	key.WriteString(d.low)
	for _, a := range args {
		key.WriteString("|" + u.s.id(a))
	}
	k := key.String()
	if in := u.s.insts[k]; in != nil {
		return in.name, d
	}
	if in := u.unit.insts[k]; in != nil {
		return in.name, d
	}
	if len(u.unit.insts) > 2000 {
		u.refuse("generic instances without end", "")
	}
	in := &inst{name: u.s.next(d.low), decl: d, env: e, key: k}
	u.unit.insts[k] = in
	u.queue = append(u.queue, in)
	return in.name, d
}

// Commit makes what a unit declared part of the session. It is called when
// the unit's code was loaded, whether or not it then ran to its end.
func (s *Session) Commit(u *Unit) {
	c := u.checked
	for n, p := range c.added {
		s.imports[n] = p
	}
	for n := range c.stale {
		delete(s.names, n)
	}
	for n, d := range u.decls {
		if n != "init" {
			s.names[n] = d
		}
	}
	s.pieces = append(s.pieces, c.pieces...)
	kept := s.pieces[:0]
	for _, p := range s.pieces {
		if s.live(p) {
			kept = append(kept, p)
		}
	}
	s.pieces = kept
	s.remember(c)
	if c.affected != nil {
		s.insts = map[string]*inst{}
	}
	for k, in := range u.insts {
		s.insts[k] = in
	}
}

// StdPrefix stands before the paths of compiled packages in core code, so that
// yaegi gives none of them a treatment of its own.
const StdPrefix = "spindle/std/"

// assemble writes the unit's file.
func (u *lowerer) assemble() {
	var b strings.Builder
	b.WriteString("package main\n")
	u.unit.Lines = append(u.unit.Lines, Place{})
	emit := func(s string, p Place) {
		b.WriteString(s)
		b.WriteByte('\n')
		for range strings.Count(s, "\n") + 1 {
			u.unit.Lines = append(u.unit.Lines, p)
		}
	}
	if len(u.table) > 0 {
		u.unit.Setup = u.s.next("setup")
		f := &fun{head: "func " + u.unit.Setup + "() {"}
		for _, t := range u.table {
			f.lines = append(f.lines, line{t, token.NoPos})
		}
		u.funcs = append(u.funcs, f)
	}
	body := strings.Builder{}
	for _, f := range u.funcs {
		body.WriteString(f.head)
		for _, l := range f.lines {
			body.WriteString(l.text)
		}
	}
	text := body.String()
	for _, p := range [...][2]string{{"core", "core"}, {"t", "t"}, {"d", "d"}, {"n", "n"}, {"g", "g"}} {
		if strings.Contains(text, p[0]+".") {
			emit(fmt.Sprintf("import %s %q", p[0], "spindle/core/"+p[1]), Place{})
		}
	}
	var paths []string
	for p := range u.pkgs {
		paths = append(paths, p)
	}
	sort.Strings(paths)
	for _, p := range paths {
		if strings.Contains(text, u.pkgs[p]+".") {
			emit(fmt.Sprintf("import %s %q", u.pkgs[p], StdPrefix+p), Place{})
			u.unit.Imports = append(u.unit.Imports, p)
		}
	}
	for _, f := range u.funcs {
		at := func(pos token.Pos) Place {
			if f.fset == nil || !pos.IsValid() {
				return Place{Func: f.name}
			}
			e := u.s.at(f.fset, pos, "")
			return Place{Cell: e.Cell, Line: e.Line, Func: f.name}
		}
		emit(f.head, at(token.NoPos))
		for _, l := range f.lines {
			// \x01 POS \x02 goes on at another place of the cell.
			pos := l.pos
			text := l.text
			for {
				before, rest, ok := strings.Cut(text, "\x01")
				if !ok {
					break
				}
				num, after, _ := strings.Cut(rest, "\x02")
				emit(before, at(pos))
				n, _ := strconv.Atoi(num)
				pos, text = token.Pos(n), after
			}
			emit(text, at(pos))
		}
		emit("}", at(token.NoPos))
	}
	u.unit.Code = b.String()
}
