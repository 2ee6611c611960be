// Package wire holds the frames that a console and a relay send each other: JSON objects in websocket text frames,
// subprotocol [Subprotocol].
//
// The course of a connection:
//
//	relay    hello      who the relay is, how far its log goes, a nonce
//	console  auth       a name, a device and a proof made of the nonce
//	relay    welcome    the role, or refused and the end
//	console  resume     where its copy ends, or that it is locked: then all that follows comes without words
//	relay    part...    for a console without a copy: the open conversations, whole, and which of those that it has
//	                    something of are forgotten; then
//	relay    snapshot   the position from which events follow
//	relay    events...  every event after that, in order, for as long as the connection lasts
//
// and at any time after welcome
//
//	console  command    relay  ack | refused     decided and on disk, or not, because
//	console  fetch      relay  part...           a conversation that the console's owner may read, whole
//	console  preview    relay  bodies            the newest text of waiting conversations, for the rows in view
//	relay    checkpoint the log as it is, signed, first before the events and then every so many
//	relay    prove      the session is over: a new nonce, to be answered by auth for another one
//	relay    number     after the ack of a command that asks for one
//	relay    drain      the relay is about to stop
//
// A device that is not known yet sends enrol in the place of auth, with a proof made by its code; the relay answers
// enrolled, or refused, and the connection ends.
//
// A conversation whose opening was acked (kind "viewed") follows in parts without being asked for. Which kinds of
// frame exist only ever grows: a side that does not know a frame passes over it.
//
// History: 1 is the first version. 2 has devices in the place of secret files, and kinds of event that a console must
// not pass over.
package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"befree.example/store"
	"befree.example/store/desk"
	"befree.example/store/sms"
	"befree.example/store/tree"
)

// The protocol.
const (
	Version     = 2
	Subprotocol = "befree.2"
	MaxFrame    = 64 << 10 // bytes, either way
)

// CheckpointEvery is how many events a relay that signs its log sends at most before the next checkpoint.
const CheckpointEvery = 256

// Time limits of a connection, the same on both sides.
const (
	WriteTimeout = 5 * time.Second
	AuthTimeout  = 10 * time.Second
	PingEvery    = 4 * time.Second
	SilenceLimit = 12 * time.Second // without a frame or pong: the connection is dead
)

// A Frame is one message; exactly one of its fields is set.
type Frame struct {
	Hello    *Hello        `json:"hello,omitempty"`
	Auth     *Auth         `json:"auth,omitempty"`
	Enrol    *Enrol        `json:"enrol,omitempty"`
	Enrolled *Enrolled     `json:"enrolled,omitempty"`
	Prove    *Prove        `json:"prove,omitempty"`
	Welcome  *Welcome      `json:"welcome,omitempty"`
	Resume   *Resume       `json:"resume,omitempty"`
	Part     *Part         `json:"part,omitempty"`
	Snapshot *Snapshot     `json:"snapshot,omitempty"`
	Events   *Events       `json:"events,omitempty"`
	Bodies   *Events       `json:"bodies,omitempty"`
	Command  *desk.Command `json:"command,omitempty"`
	Ack      *Ack          `json:"ack,omitempty"`
	Refused  *Refused      `json:"refused,omitempty"`
	Fetch    *Fetch        `json:"fetch,omitempty"`
	Preview  *Preview      `json:"preview,omitempty"`
	Drain    *Drain        `json:"drain,omitempty"`
	Collect  *Collect      `json:"collect,omitempty"`
	Piece    *Piece        `json:"piece,omitempty"`

	Checkpoint *Checkpoint `json:"checkpoint,omitempty"`
	Number     *Number     `json:"number,omitempty"`
}

// Hello is the relay's first word.
type Hello struct {
	Version int    `json:"version"`
	Epoch   string `json:"epoch"`
	Last    uint64 `json:"last"`
	Nonce   []byte `json:"nonce"`
	Relay   string `json:"relay"` // its name, which is random and stays the same as long as its staff does
	Limits  Limits `json:"limits"`
}

// Limits are the relay's, so that a console can say beforehand what would be refused.
type Limits struct {
	Claims   int           `json:"claims"`
	ReplyAge time.Duration `json:"reply_age"`
	Undo     time.Duration `json:"undo"`
	Offline  time.Duration `json:"offline,omitempty"` // for which a console shows what it keeps without having been here; 0 for ever
	Backups  time.Duration `json:"backups,omitempty"` // after which the relay's backups go with the next one; 0 where that is not known
}

// Auth says who is there, by a device's signature; see [SignIn].
type Auth struct {
	Name   string    `json:"name"`
	Device string    `json:"device"`
	At     time.Time `json:"at"` // by the console's clock
	Proof  []byte    `json:"proof"`
}

// Enrol asks for a device to be entered, by the code that its owner was given; see [Enrolling].
type Enrol struct {
	Name    string    `json:"name"`
	Device  string    `json:"device"`
	Key     []byte    `json:"key"`     // of the device: Ed25519, public
	Certain []byte    `json:"certain"` // of the same sort, for what its owner must be there for; see [Certain]
	At      time.Time `json:"at"`
	Proof   []byte    `json:"proof"` // by the code's key
	Own     []byte    `json:"own"`   // by the device's
}

// Enrolled says that the device is entered. End is the SHA-256 of what the relay will say when it revokes the device:
// nobody else can have it give up what it holds.
type Enrolled struct {
	Relay string    `json:"relay"`
	Role  desk.Role `json:"role"`
	End   []byte    `json:"end"`
}

// Prove asks who is there once more.
type Prove struct {
	Nonce []byte `json:"nonce"`
}

// Welcome lets a console in.
type Welcome struct {
	Name  string    `json:"name"`
	Role  desk.Role `json:"role"`
	Staff []string  `json:"staff,omitempty"` // names of who may be given a conversation
}

// Resume says where the console's copy ends; After 0 asks for a snapshot. What is Written may take several frames, the
// last one with More false.
type Resume struct {
	Epoch   string   `json:"epoch"`
	After   uint64   `json:"after"`
	Kept    uint64   `json:"kept,omitempty"`    // size of the log at the checkpoint that the console keeps, of whatever epoch
	Written []string `json:"written,omitempty"` // conversations of which the console has drafts, commands or an older copy
	More    bool     `json:"more,omitempty"`
	Outline bool     `json:"outline,omitempty"` // the console is locked: it is to get nobody's words
}

// maxWritten is how many conversations one Resume names.
const maxWritten = 1000

// Split cuts r into pieces that each fit a frame.
func (r Resume) Split() (pieces []Resume) {
	all := r.Written
	for r.More = true; r.More; {
		n := min(len(all), maxWritten)
		r.Written, all = all[:n], all[n:]
		r.More = len(all) > 0
		pieces = append(pieces, r)
	}
	return pieces
}

// A Checkpoint is what the relay stands by from now on: its log as it is, signed. Proof shows that it begins with all
// that was in it when it had From events; Edge are the whole parts of its tree when it had At events, for a console
// that begins there. How a console judges it is package client's business.
type Checkpoint struct {
	Signed []byte       `json:"signed"`
	Key    tree.Key     `json:"key"`
	From   uint64       `json:"from,omitempty"`
	Proof  []store.Hash `json:"proof,omitempty"`
	At     uint64       `json:"at,omitempty"`
	Edge   []store.Hash `json:"edge,omitempty"`
}

// A Part is a piece of one conversation, oldest events first; the last one has More false.
type Part struct {
	Conversation string        `json:"conv"`
	Events       []store.Event `json:"events"`
	First        bool          `json:"first,omitempty"`
	More         bool          `json:"more,omitempty"`
}

// A Snapshot ends the parts with which a new console begins.
type Snapshot struct {
	Position store.Position `json:"position"`
}

// Events are the next ones in order, without a hole. Head is the Seq of the relay's newest: Head minus the last Seq
// here is by how many the console is behind.
type Events struct {
	Events []store.Event `json:"events"`
	Head   uint64        `json:"head"`
}

// Ack says that a command had its effect, as event Seq, and that it is on disk.
type Ack struct {
	ID  string `json:"id"`
	Seq uint64 `json:"seq"`
}

// Refused says that a command had no effect and will have none. ID is empty where the whole connection is refused; End
// is there where the device was revoked, and is what [Enrolled] gave the hash of.
type Refused struct {
	ID   string    `json:"id,omitempty"`
	Code desk.Code `json:"code"`
	Text string    `json:"text"`
	End  []byte    `json:"end,omitempty"`
}

// Fetch asks for a conversation whole.
type Fetch struct {
	Conversation string `json:"conv"`
}

// Preview asks for the newest text of waiting conversations.
type Preview struct {
	Conversations []string `json:"convs"`
}

// Collect asks for a picture or a file that came with a text.
type Collect struct {
	ID           string `json:"id"` // the console's own, which comes back with each piece
	Conversation string `json:"conv"`
	Message      string `json:"message"`
	N            int    `json:"n"` // which of the text's, from 0
}

// MaxPiece is how many bytes of a file one frame carries: base64 makes four of three.
const MaxPiece = 40 << 10

// Piece is a part of what was asked for, in order, or why it is not to be had.
type Piece struct {
	ID      string `json:"id"`
	Type    string `json:"type,omitempty"` // MIME type, as the carrier says
	Data    []byte `json:"data,omitempty"`
	More    bool   `json:"more,omitempty"`
	Trouble string `json:"trouble,omitempty"` // in plain words
}

// Number is a texter's, whole, for the one console that asked for it with a reason. It is kept nowhere.
type Number struct {
	Conversation string     `json:"conv"`
	Number       sms.Number `json:"number"`
}

// Drain says that the relay ends the connection within this time; the console comes back by itself.
type Drain struct {
	Within time.Duration `json:"within"`
}

// ErrTooLong is a frame over MaxFrame.
var ErrTooLong = errors.New("frame is longer than 64 KB")

// Encode returns f as it is sent.
func Encode(f Frame) ([]byte, error) {
	b, err := json.Marshal(f)
	if err == nil && len(b) > MaxFrame {
		return nil, ErrTooLong
	}
	return b, err
}

// Decode reads one frame. A frame of a kind that this version does not know gives the zero Frame.
func Decode(b []byte) (Frame, error) {
	var f Frame
	if len(b) > MaxFrame {
		return f, ErrTooLong
	}
	if err := json.Unmarshal(b, &f); err != nil {
		return Frame{}, fmt.Errorf("not a frame: %w", errShape)
	}
	return f, nil
}

var errShape = errors.New("malformed JSON") // the decoder's own words could quote a message

// Split cuts events into pieces that each fit a frame with room to spare.
func Split(events []store.Event) [][]store.Event {
	const room = MaxFrame - 1<<10
	var pieces [][]store.Event
	begin, size := 0, 0
	for i, e := range events {
		n := weight(e)
		if i > begin && size+n > room {
			pieces = append(pieces, events[begin:i])
			begin, size = i, 0
		}
		size += n
	}
	return append(pieces, events[begin:])
}

// weight is at least the length of e as JSON: base64 of the body, the names and fixed fields, and the strings, each
// byte of which may be escaped to six.
func weight(e store.Event) int {
	n := 420 + 9 + 64 + len(e.Body)*4/3 + 4 + 2*6
	for _, s := range append([]string{
		e.ID, e.Conversation, e.Actor, string(e.Kind), e.Number, e.Head.Severity, e.Head.Language,
		e.Head.Tail, e.Head.Keyword, e.Head.Staff, e.Head.Ref, e.Head.Delivery,
	}, e.Head.Flags...) {
		n += 6*len(s) + 3
	}
	return n
}
