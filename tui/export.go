package tui

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/store/desk"
	"befree.example/store/plan"
	"befree.example/tui/codename"
	"befree.example/tui/text"
)

// export writes the marked conversation to a file, once somebody else has agreed to that.
func (m *Model) export() tea.Cmd {
	if m.world.status.Role != desk.Supervisor {
		m.say(m.T("Only supervisors export."))
		return nil
	}
	c := m.over()
	if c == nil {
		return nil
	}
	who := m.who(c)
	switch a := c.Export; {
	case a.Ready(m.now) && a.By == m.Name && m.Save == nil:
		m.say(m.T("Files cannot be written here."))
	case a.Ready(m.now) && a.By == m.Name:
		m.palette = newPalette(m.T("Write {{.Who}}", "Who", who), []offer{
			{name: m.T("as a text to read (Markdown)"), do: func() tea.Cmd { return m.exportAs(c, ".md", m.markdown) }},
			{name: m.T("as a table (CSV)"), do: func() tea.Cmd { return m.exportAs(c, ".csv", table) }},
		})
	case a.Waits(m.now):
		m.say(m.T("{{.Name}} has asked for that. Somebody else must agree.", "Name", text.Line(a.By)))
	default:
		m.ask(m.askWhy(desk.ExportAsked, m.T("Write {{.Who}} to a file?", "Who", who), m.T("do not write it"), c.ID, func(reason string) tea.Cmd {
			return m.do(doing{what: m.T("Asked. Somebody else must agree.")}, about(c, desk.ExportAsked, desk.Asking{Reason: reason}))
		}, m.T("Whoever can read this machine's files can read it then: it is not sealed. Once it has been handed over, delete it: befree forget-files does."), m.T("Say why; whoever agrees reads it.")))
	}
	return nil
}

// exportAs gets the conversation whole and writes it.
func (m *Model) exportAs(c *desk.Conversation, ending string, in func(*desk.Conversation, *time.Location) []byte) tea.Cmd {
	line, save, zone, name := m.Line, m.Save, m.Zone, "export-"+dashed(c.ID)
	m.surely(nil, func(passphrase []byte) tea.Cmd {
		return m.act(func() tea.Msg {
			ctx, cancel := context.WithTimeout(context.Background(), surelyMost)
			defer cancel()
			whole, err := line.Export(ctx, c.ID, c.Export.Decided, passphrase)
			if err != nil {
				return writtenMsg{asked: err}
			}
			path, err := save(name, ending, in(whole, zone))
			return writtenMsg{path: path, err: err}
		})
	})
	return nil
}

// A row1 is one line of an export.
type row1 struct {
	at        time.Time
	who, what string
	words     string
}

// rows are what was said and noted in a conversation, as it came. Who is no texter is named.
func rows(c *desk.Conversation) (all []row1) {
	for _, m := range c.Messages {
		switch {
		case m.Inbound:
			all = append(all, row1{m.At, "texter", "text", m.Text.Reveal()})
		case m.Author == "":
			all = append(all, row1{m.At, "befree", "automatic text, " + string(m.Delivery), m.Text.Reveal()})
		default:
			all = append(all, row1{m.At, m.Author, "reply, " + string(m.Delivery), m.Text.Reveal()})
		}
	}
	for _, n := range c.Notes {
		all = append(all, row1{n.At, n.Author, "note", n.Text.Reveal()})
	}
	for _, r := range c.Referrals {
		for i, step := range r.Steps {
			words := r.To.Reveal()
			if i == 0 {
				words = fmt.Sprintf("%s: %s; told: %s; agreed until %s", r.To.Reveal(), r.Need.Reveal(), r.Scope.Reveal(), r.Until)
			}
			all = append(all, row1{step.At, step.By, "referral, " + string(step.Status), words})
		}
	}
	return all
}

// markdown is a conversation to read. Whatever a texter wrote is quoted, so that it is no part of the page.
func (l *look) markdown(c *desk.Conversation, zone *time.Location) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\nopened %s, closed %s, %s\n", codename.Of(c.ID), c.OpenedAt.In(zone).Format(time.RFC3339), c.ClosedAt.In(zone).Format(time.RFC3339), text.Line(c.Closing.Disposition))
	if c.Closing.Summary != "" {
		fmt.Fprintf(&b, "\n%s\n", quoted(c.Closing.Summary))
	}
	for _, r := range rows(c) {
		fmt.Fprintf(&b, "\n## %s %s, %s\n\n%s\n", r.at.In(zone).Format(time.RFC3339), text.Line(r.who), r.what, quoted(r.words))
	}
	if c.Plan().Version > 0 {
		b.WriteString("\n" + plan.Markdown(c.Plan(), zone, l))
	}
	return []byte(b.String())
}

func quoted(words string) string {
	return "> " + strings.ReplaceAll(text.Clean(words), "\n", "\n> ")
}

// table is a conversation for a spreadsheet, which computes nothing of it.
func table(c *desk.Conversation, zone *time.Location) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	write := func(cells ...string) {
		for i := range cells {
			cells[i] = text.Cell(cells[i])
		}
		_ = w.Write(cells) // into memory
	}
	write("time", "who", "what", "words")
	for _, r := range rows(c) {
		write(r.at.In(zone).Format(time.RFC3339), r.who, r.what, r.words)
	}
	w.Flush()
	return b.Bytes()
}
