// Package sockets is the five ZeroMQ sockets of a kernel (shell, control,
// stdin, iopub, heartbeat), over tcp and ipc, and the front end's side of them
// for package client.
//
// The ZMTP handshake is go-zeromq/zmq4's. The sockets above it are ours,
// because a front end that stalls, floods, vanishes or says nothing must cost
// the others nothing, and zmq4's cannot be held to that from outside: see
// docs/decisions/001-sockets.md. Every peer has one reader and one writer
// goroutine and a bounded queue; nothing a peer does blocks a sender.
package sockets
