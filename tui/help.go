package tui

// helpText is every key, by where it works.
var helpText = []string{
	"Everywhere",
	"  F1 or ?   this help                   tab        next pane",
	"  F8 alt+n  claim the next most urgent  alt+1..9   my conversations",
	"  F3 notes  F4 safety record  F6 plan   alt+u      take a reply back",
	"  F5        draw the screen anew        ctrl+l     blank the screen",
	"  esc       back; destroys nothing      ctrl+c     leave",
	"In lists and when reading",
	"  arrows hjkl g G PgUp PgDn   move      enter      open, then write",
	"  n         next most urgent            c          claim the one marked",
	"  1-9       my conversations            /          filter",
	"  x         close                       R          give back",
	"  u         take a reply back           t s p      notes, safety, plan",
	"When writing",
	"  enter     send                        ctrl+j     new line (alt+enter)",
	"  PgUp/PgDn read on while writing       F7         plain quotes",
	"  ctrl+s    keep a note, a record, a plan",
}

func helpLines(l *look, width, height int) []string {
	lines := []string{l.heading("Keys", width, true)}
	for _, s := range helpText {
		if s[0] != ' ' {
			s = l.Theme.Title.Paint("  " + s)
		}
		lines = append(lines, s)
	}
	return lines[:min(len(lines), height)]
}
