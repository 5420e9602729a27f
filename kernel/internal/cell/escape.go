package cell

import (
	"go/ast"
	"go/token"
	"go/types"
)

// escapes says how the local variables of one declared function are used,
// which decides which of them become pointers.
type escapes struct {
	depth    map[types.Object]int
	captured map[types.Object]bool
	assigned map[types.Object]bool
	addr     map[types.Object]bool
	defers   map[ast.Node]bool // functions with a defer of their own
	recovers map[ast.Node]bool // functions that call recover themselves
	returns  map[ast.Node]bool // functions with a return inside a range over a function
	// loopLabels are the labels of loops, switches and selects.
	loopLabels map[string]bool
}

func (e *escapes) boxed(o types.Object) bool {
	return e.addr[o] || e.captured[o] && e.assigned[o]
}

func (u *lowerer) escapes(fn ast.Node, info *types.Info, en env) *escapes {
	e := &escapes{
		map[types.Object]int{},
		map[types.Object]bool{},
		map[types.Object]bool{},
		map[types.Object]bool{},
		map[ast.Node]bool{},
		map[ast.Node]bool{},
		map[ast.Node]bool{},
		map[string]bool{},
	}
	typeOf := func(x ast.Expr) types.Type { return u.s.subst(en, info.TypeOf(x)) }
	var root func(x ast.Expr) types.Object
	root = func(x ast.Expr) types.Object {
		switch x := x.(type) {
		case *ast.Ident:
			if o := info.Uses[x]; o != nil {
				return o
			}
			return info.Defs[x]
		case *ast.ParenExpr:
			return root(x.X)
		case *ast.SelectorExpr:
			if s := info.Selections[x]; s == nil || s.Kind() != types.FieldVal {
				return nil
			}
			if t := typeOf(x.X); t != nil {
				if _, ok := t.Underlying().(*types.Pointer); ok {
					return nil
				}
			}
			return root(x.X)
		case *ast.IndexExpr:
			if t := typeOf(x.X); t != nil {
				if _, ok := t.Underlying().(*types.Array); ok {
					return root(x.X)
				}
			}
		}
		return nil
	}
	set := func(m map[types.Object]bool, o types.Object) {
		if v, ok := o.(*types.Var); ok {
			m[v] = true
		}
	}
	overFunc := func(r *ast.RangeStmt) bool {
		t := typeOf(r.X)
		if t == nil {
			return false
		}
		_, ok := coreOf(t).(*types.Signature)
		return ok
	}
	// First: which functions defer, recover, return from inside an iterator.
	var scan func(n ast.Node, fn ast.Node, inIter bool)
	scan = func(n ast.Node, fn ast.Node, inIter bool) {
		ast.Inspect(n, func(m ast.Node) bool {
			switch m := m.(type) {
			case *ast.FuncLit:
				scan(m.Body, m, false)
				return false
			case *ast.DeferStmt:
				e.defers[fn] = true
			case *ast.LabeledStmt:
				switch m.Stmt.(type) {
				case *ast.ForStmt, *ast.RangeStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
					e.loopLabels[m.Label.Name] = true
				}
			case *ast.ReturnStmt:
				if inIter {
					e.returns[fn] = true
				}
			case *ast.RangeStmt:
				if !inIter && overFunc(m) {
					scan(m.X, fn, false)
					scan(m.Body, fn, true)
					return false
				}
			case *ast.CallExpr:
				if id, ok := ast.Unparen(m.Fun).(*ast.Ident); ok {
					if b, ok := info.Uses[id].(*types.Builtin); ok && b.Name() == "recover" {
						e.recovers[fn] = true
					}
				}
			}
			return true
		})
	}
	depth := 0
	var walk func(n ast.Node)
	params := func(ft *ast.FuncType, recv *ast.FieldList) {
		for _, l := range []*ast.FieldList{recv, ft.Params, ft.Results} {
			if l == nil {
				continue
			}
			for _, f := range l.List {
				for _, id := range f.Names {
					if o := info.Defs[id]; o != nil {
						e.depth[o] = depth
						if l == ft.Results {
							e.assigned[o] = true
						}
					}
				}
			}
		}
	}
	function := func(key ast.Node, ft *ast.FuncType, recv *ast.FieldList, body *ast.BlockStmt) {
		depth++
		params(ft, recv)
		if e.defers[key] {
			depth++
		}
		if body != nil {
			walk(body)
		}
		if e.defers[key] {
			depth--
		}
		depth--
	}
	walk = func(n ast.Node) {
		ast.Inspect(n, func(m ast.Node) bool {
			switch m := m.(type) {
			case *ast.FuncLit:
				function(m, m.Type, nil, m.Body)
				return false
			case *ast.Ident:
				if o := info.Defs[m]; o != nil {
					if _, ok := o.(*types.Var); ok {
						if _, seen := e.depth[o]; !seen {
							e.depth[o] = depth
						}
					}
				} else if o := info.Uses[m]; o != nil {
					if d, ok := e.depth[o]; ok && d < depth {
						e.captured[o] = true
					}
				}
			case *ast.AssignStmt:
				for _, l := range m.Lhs {
					if id, ok := l.(*ast.Ident); ok && m.Tok == token.DEFINE && info.Defs[id] != nil {
						continue
					}
					set(e.assigned, root(l))
				}
			case *ast.IncDecStmt:
				set(e.assigned, root(m.X))
			case *ast.UnaryExpr:
				if m.Op == token.AND {
					set(e.addr, root(m.X))
				}
			case *ast.SliceExpr:
				if t := typeOf(m.X); t != nil {
					if _, ok := t.Underlying().(*types.Array); ok {
						set(e.addr, root(m.X))
					}
				}
			case *ast.SelectorExpr:
				if s := info.Selections[m]; s != nil && s.Kind() == types.MethodVal {
					o := s.Obj()
					if len(en) > 0 {
						if o2, _, _ := types.LookupFieldOrMethod(typeOf(m.X), true, o.Pkg(), o.Name()); o2 != nil {
							o = o2
						}
					}
					f, ok := o.(*types.Func)
					if !ok {
						break
					}
					if r := f.Type().(*types.Signature).Recv(); r != nil {
						if _, ptr := types.Unalias(r.Type()).(*types.Pointer); ptr {
							set(e.addr, root(m.X))
						}
					}
				}
			case *ast.RangeStmt:
				if m.Tok == token.ASSIGN {
					for _, l := range []ast.Expr{m.Key, m.Value} {
						if l != nil {
							set(e.assigned, root(l))
						}
					}
				}
				if overFunc(m) {
					walk(m.X)
					depth++
					for _, x := range []ast.Expr{m.Key, m.Value} {
						if x != nil {
							walk(x)
						}
					}
					walk(m.Body)
					depth--
					return false
				}
			case *ast.TypeSwitchStmt:
				for _, cl := range m.Body.List {
					if o := info.Implicits[cl]; o != nil {
						e.depth[o] = depth
					}
				}
			}
			return true
		})
	}
	switch fn := fn.(type) {
	case *ast.FuncDecl:
		if fn.Body != nil {
			scan(fn.Body, fn, false)
		}
		function(fn, fn.Type, fn.Recv, fn.Body)
	case *ast.BlockStmt:
		scan(fn, fn, false)
		depth = 1
		if e.defers[fn] {
			depth++
		}
		walk(fn)
	}
	return e
}
