package relay

import (
	"context"
	"time"

	"befree.example/client/wire"
	"befree.example/cmd/internal/gateway"
	"befree.example/store/desk"
)

// fetchMost is how long a picture or a file may take.
const fetchMost = 60 * time.Second

// collect gets a picture or a file from the carrier for a console, beside all else that it is sent. Only the relay can:
// it has the carrier's secret.
func (f *feed) collect(ctx context.Context, want wire.Collect) {
	piece := wire.Piece{ID: want.ID}
	select {
	case f.busy <- struct{}{}:
		defer func() { <-f.busy }()
	default:
		piece.Trouble = "Another one is being fetched. Wait for it."
		_ = f.answer(ctx, wire.Frame{Piece: &piece}) // else the console is gone
		return
	}
	data, kind, trouble := f.media(ctx, want)
	piece.Type, piece.Trouble = kind, trouble
	for first := true; first || len(data) > 0; first = false {
		n := min(len(data), wire.MaxPiece)
		part := piece
		part.Data, part.More, data = data[:n], n < len(data), data[n:]
		if f.answer(ctx, wire.Frame{Piece: &part}) != nil {
			return
		}
	}
}

// media returns what was asked for, or why not. It is for whoever answers the texter: who holds the conversation, or may
// claim it.
func (f *feed) media(ctx context.Context, want wire.Collect) (data []byte, kind, trouble string) {
	c := f.desk.Conversation(want.Conversation)
	if c == nil || !f.who.mayRead(c) || !c.HeldBy(f.who.Name) && c.Phase != desk.Waiting {
		return nil, "", "Only whoever holds the conversation can have it. Claim it, or take it over."
	}
	m := c.Message(want.Message)
	if m == nil || want.N < 0 || want.N >= len(m.Media) {
		return nil, "", "There is no such picture or file."
	}
	ctx, cancel := context.WithTimeout(ctx, fetchMost)
	defer cancel()
	data, kind, err := f.carrier.Fetch(ctx, gateway.Media(m.Media[want.N]))
	if err != nil {
		f.log.Info("a picture or file was not fetched", "error", err)
		return nil, "", err.Error()
	}
	f.log.Info("a picture or file was fetched", "who", f.who.Name, "bytes", len(data))
	return data, kind, ""
}
