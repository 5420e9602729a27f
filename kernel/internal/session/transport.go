package session

import (
	"context"

	"spindle/kernel/internal/wire"
)

// Transport carries messages between front ends and session. sockets.Set
// implements it; session never sees a socket.
type Transport interface {
	// Receive waits for the next message on ch, verified. Each channel has one
	// reader. It fails when ctx is done and when the transport is closed.
	Receive(ctx context.Context, ch wire.Channel) (wire.Message, error)
	// Send queues m for the front end that m.Identities names. It never blocks.
	Send(ch wire.Channel, m wire.Message) error
	// Publish queues m for all that subscribed to its topic, m.Identities[0].
	// It never blocks, and keeps the order of calls.
	Publish(m wire.Message) error
	// Welcome sets what greets each new subscription.
	Welcome(f func(topic string) wire.Message)
}
