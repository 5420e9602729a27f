package wire

// Channel is one of the request channels of a kernel. IOPub and heartbeat are
// no request channels: nothing is received on the one, and the other is
// answered below this level.
type Channel uint8

// The request channels.
const (
	Shell Channel = iota
	Control
	Stdin
	Channels = 3 // how many there are
)

func (c Channel) String() string {
	return [...]string{"shell", "control", "stdin", "?"}[min(int(c), Channels)]
}
