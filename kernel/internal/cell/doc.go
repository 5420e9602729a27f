// Package cell turns a cell's source into code that yaegi runs rightly.
//
// A cell is split into declarations and statements, type-checked by go/types
// against everything the session has declared, and lowered to the core: the
// small part of Go that yaegi runs rightly. In the core
//
//   - there are only top-level functions and closures made by a maker: a
//     function of the captured values that does nothing but return a literal,
//     so that every closure has a frame of its own;
//   - every variable has a name of its own; one that is captured and assigned,
//     or whose address is taken, is a pointer made anew at each declaration;
//   - there are no named types, methods, generics or constants: structs are
//     native types built by reflection, methods are functions, instances are
//     functions, constants are literals;
//   - a value in an interface has the type that the cell gave it, made natively
//     with its name, fields and methods (package named), and the same bits;
//   - defer, recover, panic, select, conversions, assertions, dynamic calls
//     and map iteration are calls into package core.
//
// What cannot be lowered is refused before it runs. The package is pure: it
// makes a Unit, a plan; package interp carries it out.
package cell
