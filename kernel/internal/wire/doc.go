// Package wire is the form of Jupyter messages: the envelope on a ZeroMQ
// socket, its HMAC signature, and the connection file. It is pure: it opens no
// socket and starts no goroutine.
//
// Source: "Messaging in Jupyter", protocol 5.5, sections "The Wire Protocol"
// and "Connection files"
// (https://jupyter-client.readthedocs.io/en/stable/messaging.html).
package wire

// ProtocolVersion is what this kernel implements, and all that it declares.
// 5.6 and later change the connection file.
const ProtocolVersion = "5.5"
