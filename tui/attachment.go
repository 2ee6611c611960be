package tui

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/store/desk"
	"befree.example/tui/codename"
	"befree.example/tui/text"
)

// fetchMost is how long a picture or a file may take to come here.
const fetchMost = 90 * time.Second

// attachments offers what the texter sent besides words, the newest first. Nothing of it is fetched before it is chosen
// and asked about, and befree never shows it: it becomes a file.
func (m *Model) attachments() tea.Cmd {
	c := m.chat.conv
	if c == nil {
		m.say(m.T("Open a conversation first."))
		return nil
	}
	var offers []offer
	for _, message := range slices.Backward(c.Messages) {
		for n, media := range message.Media {
			offers = append(offers, offer{
				name: m.T("attachment {{.Number}}: {{.Type}}", "Number", n+1, "Type", text.Line(media.Type)), note: m.moment(message.At),
				do: func() tea.Cmd { return m.fetch(c, message, n) },
			})
		}
	}
	if len(offers) == 0 {
		m.say(m.T("No picture or file came with this conversation's texts."))
		return nil
	}
	m.palette = newPalette(m.T("Fetch"), offers)
	return nil
}

// fetch asks, then gets one attachment and writes it to a file.
func (m *Model) fetch(c *desk.Conversation, message *desk.Message, n int) tea.Cmd {
	if m.Save == nil {
		m.say(m.T("Files cannot be written here."))
		return nil
	}
	line, save, name := m.Line, m.Save, "attachment-"+dashed(c.ID)
	m.ask(&dialog{
		about: c.ID,
		title: m.T("Write what {{.Who}} sent to a file?", "Who", m.who(c)),
		lines: []string{
			m.T("It may be hard to see, it may be evidence, and whoever holds the phone may have sent it to harm this machine. befree does not look into it."),
			m.T("Whoever can read this machine's files can read it then: it is not sealed. Once it has been handed over, delete it: befree forget-files does."),
		},
		choices: []choice{{"n", m.T("do not fetch it"), nil}, {"y", m.T("write it"), func() tea.Cmd {
			m.say(m.T("It is being fetched."))
			return m.act(func() tea.Msg {
				ctx, cancel := context.WithTimeout(context.Background(), fetchMost)
				defer cancel()
				data, kind, err := line.Attachment(ctx, c.ID, message.ID, n)
				if err != nil {
					return writtenMsg{asked: err}
				}
				path, err := save(name, ending(kind), data)
				return writtenMsg{path: path, err: err}
			})
		}}},
	})
	return nil
}

// dashed is a conversation's code name as part of a file's.
func dashed(conversation string) string {
	return strings.ReplaceAll(codename.Of(conversation), " ", "-")
}

// ending is how a file's name ends, by the type that its sender claims. Only types that no machine runs are believed.
func ending(kind string) string {
	kind, _, _ = strings.Cut(strings.ToLower(kind), ";")
	endings := map[string]string{
		"image/jpeg": ".jpg", "image/png": ".png", "image/gif": ".gif", "image/webp": ".webp", "image/heic": ".heic",
		"video/mp4": ".mp4", "video/3gpp": ".3gp", "audio/mpeg": ".mp3", "audio/amr": ".amr", "audio/mp4": ".m4a",
		"text/plain": ".txt", "text/vcard": ".vcf", "text/x-vcard": ".vcf",
	}
	if e, ok := endings[strings.TrimSpace(kind)]; ok {
		return e
	}
	return ".bin"
}

// writtenMsg is where something was written, or why not.
type writtenMsg struct {
	path  string
	err   error // of the file
	asked error // of the relay
}

func (m *Model) written(w writtenMsg) {
	switch {
	case w.asked != nil:
		m.fail(m.plainly(w.asked))
	case w.err != nil:
		m.fail(m.T("The file was not written: is there room, and may you write in your profile?"))
	default:
		m.say(m.T("Written to {{.File}} in {{.Folder}}, for you alone to read; befree forget-files deletes it.", "File", text.Line(filepath.Base(w.path)), "Folder", text.Line(filepath.Dir(w.path))))
	}
}
