package session

import "context"

func commContent(c CommMessage) map[string]any {
	content := map[string]any{"comm_id": c.ID, "data": orEmpty(c.Data)}
	if c.Type == "comm_open" {
		content["target_name"] = c.TargetName
	}
	return content
}

// comm hands a comm message to the cells. What nobody wants, and what is for a
// comm that went with its worker, is answered by a comm_close, as the
// specification asks.
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
	if !s.engine.Comm(ctx, m) && m.Type != "comm_close" {
		s.publish("comm_close", req.msg.RawHeader, commContent(CommMessage{Type: "comm_close", ID: m.ID}))
	}
}
