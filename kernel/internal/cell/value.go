package cell

import (
	"fmt"
	"go/ast"
	"go/types"
	"strings"
)

// Functions and methods as values, and the tables of methods by which values
// in interfaces are called.

// closure makes a core function that returns a function of sig's type; call
// spells the call it makes from its captured values c0… and parameters a0….
func (u *lowerer) closure(capTypes []string, sig *types.Signature, call func(caps, params []string) string) string {
	name := u.s.next("mk")
	var caps, capNames, params, names []string
	for i, t := range capTypes {
		caps = append(caps, fmt.Sprintf("c%d %s", i, t))
		capNames = append(capNames, fmt.Sprintf("c%d", i))
	}
	for i := range sig.Params().Len() {
		params = append(params, fmt.Sprintf("a%d %s", i, u.tx(sig.Params().At(i).Type())))
		names = append(names, fmt.Sprintf("a%d", i))
	}
	f := &fun{name: u.f.name, fset: u.f.fset, info: u.f.info, env: u.f.env, pos: u.f.pos}
	typ := u.txFunc(sig)
	f.head = fmt.Sprintf("func %s(%s) %s { return func(%s)%s {", name, strings.Join(caps, ", "), typ, strings.Join(params, ", "), u.txResults(sig))
	text := call(capNames, names)
	if sig.Results().Len() > 0 {
		text = "return " + text
	}
	f.lines = append(f.lines, line{text, u.f.pos}, line{"}", u.f.pos})
	u.funcs = append(u.funcs, f)
	return name
}

// funcValue is a named function used as a value.
func (u *lowerer) funcValue(e ast.Expr) string {
	f := u.calleeFunc(ast.Unparen(e))
	targs := u.typeArgs(ast.Unparen(e))
	sig := u.signature(f, targs)
	if compiled(f.Pkg()) {
		full := f.Pkg().Path() + "." + f.Name()
		if len(targs) > 0 {
			return u.genericNative(full, sig)
		}
		switch full {
		case "runtime.Caller", "runtime.Callers", "runtime.FuncForPC", "runtime.SetFinalizer", "errors.As":
			u.refuse(full+" as a value", "")
		}
		name, told := unplaced(f)
		if name == "" {
			name = u.pkgRef(f.Pkg()) + "." + f.Name()
		}
		if !sig.Variadic() {
			mk := u.closure(nil, sig, func(_, p []string) string { return name + "(" + strings.Join(p, ", ") + ")" })
			return mk + "()"
		}
		mk := u.closure(nil, sig, func(_, p []string) string { return name + "(" + list(told, strings.Join(p, ", ")) + "...)" })
		return mk + "()"
	}
	var en env
	if len(targs) > 0 {
		en = bind(f.Origin().Type().(*types.Signature).TypeParams(), targs)
	}
	name, d := u.instance(f, en, targs)
	pre := ""
	if u.recovers(d) {
		pre = "core.Deferred()"
	}
	mk := u.closure(nil, sig, func(_, p []string) string { return name + "(" + withFirst(pre, p) + ")" })
	return mk + "()"
}

func withFirst(first string, rest []string) string {
	if first != "" {
		rest = append([]string{first}, rest...)
	}
	return strings.Join(rest, ", ")
}

// methodValue is x.M or T.M without a call.
func (u *lowerer) methodValue(e *ast.SelectorExpr, sel *types.Selection) string {
	o, path := u.fieldPath(e)
	f, ok := o.(*types.Func)
	if !ok {
		u.refuse("this method value", "")
	}
	fields := u.methodFields(u.s.subst(u.f.env, sel.Recv()), path)
	if sel.Kind() == types.MethodExpr {
		recvT := u.s.subst(u.f.env, sel.Recv())
		msig := u.methodSig(recvT, f)
		params := []*types.Var{types.NewVar(0, nil, "", recvT)}
		for i := range msig.Params().Len() {
			params = append(params, msig.Params().At(i))
		}
		sig := types.NewSignatureType(nil, nil, nil, types.NewTuple(params...), msig.Results(), msig.Variadic())
		mk := u.closure(nil, sig, func(_, p []string) string {
			return u.invoke(p[0], recvT, fields, f, msig, p[1:])
		})
		return mk + "()"
	}
	xt := u.typeOf(e.X)
	recvT := pathType(xt, fields)
	msig := u.methodSig(recvT, f)
	recv := u.receiver(e.X, fields, recvT, f)
	var rt types.Type = recvT
	if !types.IsInterface(recvT) {
		if _, ptr := types.Unalias(f.Type().(*types.Signature).Recv().Type()).(*types.Pointer); ptr {
			rt = types.NewPointer(derefType(recvT))
		} else {
			rt = derefType(recvT)
		}
	} else if u.s.isAny(recvT) {
		recv = "core.NotNil(" + recv + ")"
	} else {
		recv = u.hold(recv)
		u.line("if %s == nil { core.NotNil(nil) }", recv)
	}
	mk := u.closure([]string{u.tx(rt)}, msig, func(c, p []string) string {
		return u.invoke(c[0], rt, nil, f, msig, p)
	})
	return mk + "(" + recv + ")"
}

// methodFields are the fields on the way from t to the method at the end of
// path. The unexported ones of a compiled type are not for us: it has the
// methods that they promote.
func (u *lowerer) methodFields(t types.Type, path []int) []int {
	fields := path[:len(path)-1]
	for i := range fields {
		at := derefType(pathType(t, fields[:i]))
		if u.s.nativeNamed(at) != nil && !at.Underlying().(*types.Struct).Field(fields[i]).Exported() {
			return fields[:i]
		}
	}
	return fields
}

// invoke spells the call of method f, found through fields from recv (a name)
// of type t, on already lowered parameters (the last a slice if variadic).
func (u *lowerer) invoke(recv string, t types.Type, fields []int, f *types.Func, sig *types.Signature, p []string) string {
	text := u.fields(recv, t, fields)
	ft := pathType(t, fields)
	args := strings.Join(p, ", ")
	if sig.Variadic() && !u.isLearnerMethod(ft, f) && !u.s.isAny(ft) {
		args += "..."
	}
	if types.IsInterface(ft) {
		if u.s.isAny(ft) {
			return u.native(Native{Kind: "method", Arg: f.Name(), Type: u.plainSig(sig)}) + "(" + withFirst(text, p) + ")"
		}
		return text + "." + f.Name() + "(" + args + ")"
	}
	_, wantsPtr := types.Unalias(f.Type().(*types.Signature).Recv().Type()).(*types.Pointer)
	_, isPtr := ft.Underlying().(*types.Pointer)
	switch {
	case wantsPtr && !isPtr:
		text = "(&" + text + ")"
	case !wantsPtr && isPtr:
		if n, ok := types.Unalias(derefType(ft)).(*types.Named); ok && u.isLearnerMethod(ft, f) {
			tn := n.Obj().Name()
			text = u.native(Native{
				Kind: "valueMethod", Type: derefType(ft),
				Arg: fmt.Sprintf("value method main.%s.%s called using nil *%s pointer", tn, f.Name(), tn),
			}) + "(" + text + ")"
		} else {
			text = "(*" + text + ")"
		}
	}
	if u.isLearnerMethod(ft, f) {
		name, d := u.methodName(ft, f)
		if u.recovers(d) {
			return name + "(" + withFirst("core.Deferred()", append([]string{text}, p...)) + ")"
		}
		return name + "(" + withFirst(text, p) + ")"
	}
	if n := u.s.nativeNamed(derefType(ft)); n != nil && n.TypeArgs().Len() > 0 {
		u.refuse("a method value of "+n.Obj().Pkg().Name()+"."+n.Obj().Name(), "call the method in a function literal")
	}
	if fn, told := unplaced(f); fn != "" {
		return fn + "(" + list(text, told, args) + ")"
	}
	return text + "." + f.Name() + "(" + args + ")"
}

// needMethods registers the methods of t, so that values of t in interfaces
// can be called. Each is a core function of the receiver and the parameters.
func (u *lowerer) needMethods(t types.Type) {
	if types.IsInterface(t) || !u.s.learner(t) {
		return
	}
	id := u.s.id(t)
	if u.regs[id] {
		return
	}
	u.regs[id] = true
	ms := types.NewMethodSet(t)
	if _, ptr := t.Underlying().(*types.Pointer); !ptr && types.NewMethodSet(types.NewPointer(t)).Len() > 0 {
		u.desc(types.NewPointer(t)) // compiled code may take an address
	}
	if ms.Len() == 0 {
		return
	}
	old := u.f
	defer func() { u.f = old }()
	u.f = &fun{name: "main." + t.String(), fset: u.unit.checked.fset, info: u.unit.checked.info}
	d := u.desc(t)
	for i := range ms.Len() {
		sel := ms.At(i)
		f, ok := sel.Obj().(*types.Func)
		if !ok || !f.Exported() && compiled(f.Pkg()) {
			continue
		}
		path := u.methodFields(t, sel.Index())
		msig := f.Type().(*types.Signature)
		params := []*types.Var{types.NewVar(0, nil, "", t)}
		for j := range msig.Params().Len() {
			params = append(params, msig.Params().At(j))
		}
		sig := types.NewSignatureType(nil, nil, nil, types.NewTuple(params...), msig.Results(), false)
		var mk string
		func() {
			// A method that cannot be represented is simply not callable.
			defer func() {
				if r := recover(); r != nil {
					if _, ok := r.(refusal); !ok {
						panic(r)
					}
					mk = ""
				}
			}()
			mk = u.closure(nil, sig, func(_, p []string) string { return u.invoke(p[0], t, path, f, msig, p[1:]) })
		}()
		if mk != "" {
			u.table = append(u.table, fmt.Sprintf("core.Register(%s, %q, %s())", d, f.Name(), mk))
			if f.Exported() {
				for v := range msig.Results().Variables() {
					if u.s.learner(v.Type()) && !types.IsInterface(v.Type()) {
						u.desc(v.Type())
					}
				}
			}
		}
	}
}
