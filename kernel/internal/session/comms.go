package session

import (
	"context"
	"sync"
)

// comms are the open comms, whichever side opened them: id → target name.
type comms struct {
	mu   sync.Mutex
	open map[string]string
}

// sent and received keep the list; they are the same for both directions.
func (c *comms) sent(m CommMessage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch m.Type {
	case "comm_open":
		c.open[m.ID] = m.TargetName
	case "comm_close":
		delete(c.open, m.ID)
	}
}

// list gives the open comms, those of one target where target is not empty.
func (c *comms) list(target string) map[string]map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make(map[string]map[string]string, len(c.open))
	for id, name := range c.open {
		if target == "" || target == name {
			list[id] = map[string]string{"target_name": name}
		}
	}
	return list
}

func commContent(c CommMessage) map[string]any {
	content := map[string]any{"comm_id": c.ID, "data": orEmpty(c.Data)}
	if c.Type == "comm_open" {
		content["target_name"] = c.TargetName
	}
	return content
}

// comm hands a comm message to the cells. A comm_open that nobody wants is
// closed, as the specification asks.
func (s *Session) comm(ctx context.Context, req *request) {
	var content struct {
		ID         string         `json:"comm_id"`
		TargetName string         `json:"target_name"`
		Data       map[string]any `json:"data"`
	}
	if err := req.decode(&content); err != nil {
		s.log.Warn("dropped a comm message", "err", err)
		return
	}
	m := CommMessage{
		Type: req.msg.Header.MsgType, ID: content.ID, TargetName: content.TargetName, Data: content.Data,
	}
	taken := s.engine.Comm(ctx, m)
	switch {
	case taken:
		s.comms.sent(m)
	case m.Type == "comm_open":
		s.publish("comm_close", req.msg.RawHeader, commContent(CommMessage{Type: "comm_close", ID: m.ID}))
	default:
		s.comms.sent(m) // a comm_close is one, whether or not a cell heard it
	}
}
