// Package client is a Jupyter front end without a face: it starts a kernel as a
// process of its own, or connects to one, runs code over the sockets and hands
// on what comes back. The lesson runner and the kernel's tests use it.
package client
