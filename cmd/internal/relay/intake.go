package relay

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"befree.example/cmd/internal/gateway"
	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/sms"
	"befree.example/store/triage"
)

// An Intake takes what a carrier brings and makes commands of it. It is a [gateway.Receiver].
type Intake struct {
	desk  *Desk
	rules *triage.Rules
	log   *slog.Logger
}

// Receive puts a text on disk, once for ever by its SID.
func (in *Intake) Receive(ctx context.Context, m gateway.Inbound) error {
	return in.receive(ctx, m, store.Head{})
}

// receive is Receive for a text of which more is known: how late it is, or that nobody knows.
func (in *Intake) receive(ctx context.Context, m gateway.Inbound, known store.Head) error {
	body := desk.Text{To: m.To, Text: m.Body, Triage: in.rules.Judge(m.Body.Reveal()), Params: m.Params}
	for _, media := range m.Media {
		body.Media = append(body.Media, desk.Media(media))
	}
	raw, err := fit(body)
	if err != nil {
		return err
	}
	_, err = in.desk.Do(ctx, desk.Command{
		ID: m.SID, Kind: desk.Received, Conversation: newConversation(), Body: raw,
		Actor: store.Texter, Number: m.From, Head: known,
	})
	return err
}

// fit encodes a text. A phone cannot send one that is too long, but what was sent is never refused for its size: first
// go the parameters, then the end of the words, and the conversation says so.
func fit(t desk.Text) (json.RawMessage, error) {
	raw, err := json.Marshal(t)
	if err != nil || len(raw) <= desk.MaxBody {
		return raw, err
	}
	t.Params = map[string][]string{"befree": {"parameters left out"}}
	if words := []rune(t.Text.Reveal()); len(words) > desk.MaxReply {
		t.Text = sms.Text(string(words[:desk.MaxReply]) + " [...]")
		t.Triage.Reasons = nil
		t.Params["befree"] = append(t.Params["befree"], "end of the text left out")
	}
	t.Media = t.Media[:min(len(t.Media), 10)]
	return json.Marshal(t)
}

// newConversation returns a fresh random conversation ID: 128 bits, 26 characters.
func newConversation() string { return strings.ToLower(rand.Text()) }

// Delivered records how far a text of ours got. One that befree does not know (from an earlier installation, say) is
// noted and forgotten: no repetition by the carrier would help.
func (in *Intake) Delivered(ctx context.Context, s gateway.Status) error {
	conversation, ref, err := in.about(ctx, s)
	if errors.Is(err, store.ErrNotFound) {
		in.log.Warn("delivery status of a text that is not ours", "state", s.State)
		return nil
	}
	if err != nil {
		return err
	}
	if err := in.accepted(ctx, conversation, ref, s.SID); err != nil {
		return err
	}
	raw, err := json.Marshal(desk.Send{SID: s.SID, Reason: s.Reason})
	if err != nil {
		return err
	}
	_, err = in.desk.Do(ctx, desk.Command{
		ID: fmt.Sprintf("%s:%s:%d", s.SID, s.State, s.Code), Kind: desk.Delivery, Body: raw,
		Conversation: conversation, Ref: ref, Actor: store.Carrier, Head: store.Head{Delivery: s.State, Code: s.Code},
	})
	if errors.Is(err, &desk.Refusal{Code: desk.CodeForgotten}) {
		return nil // of a text that nobody knows any more
	}
	return err
}

// accepted sees to it that the log says under which SID the carrier took a text, whether or not the answer to the
// request, which says so too, ever came: it is the same event.
func (in *Intake) accepted(ctx context.Context, conversation, ref, sid string) error {
	there, err := in.has(ctx, acceptedID(sid))
	if err != nil || there {
		return err
	}
	b := desk.Send{SID: sid}
	if c := in.desk.Conversation(conversation); c != nil && c.Message(ref) != nil {
		b.Attempt = c.Message(ref).Attempt
	}
	raw, err := json.Marshal(b)
	if err != nil {
		return err
	}
	_, err = in.desk.Do(ctx, desk.Command{
		ID: acceptedID(sid), Kind: desk.SendAccepted, Conversation: conversation, Ref: ref, Actor: store.Carrier, Body: raw,
	})
	return err
}

// has tells whether the log has an event with this ID.
func (in *Intake) has(ctx context.Context, id string) (bool, error) {
	_, err := in.desk.log.Find(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// about finds the message that a status is about: by the ID that we gave it, else by the carrier's.
func (in *Intake) about(ctx context.Context, s gateway.Status) (conversation, ref string, err error) {
	if s.ID != "" {
		origin, _, automatic := strings.Cut(s.ID, "/")
		e, err := in.desk.log.Find(ctx, origin)
		if err == nil && (automatic && e.Kind == desk.Received || e.Kind == desk.ReplyQueued) {
			return e.Conversation, s.ID, nil
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return "", "", err
		}
	}
	e, err := in.desk.log.Find(ctx, acceptedID(s.SID))
	return e.Conversation, e.Head.Ref, err
}

// acceptedID is the ID of the event in which the carrier accepted a text under this SID.
func acceptedID(sid string) string { return sid + "/accepted" }
