// Package tui is how a person sees the line: one Bubble Tea model whose panes are plain structs. It decides nothing
// about texters; it shows what store/desk knows and asks for what its person wants.
package tui

import (
	"iter"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"befree.example/client"
	"befree.example/store/bolt"
	"befree.example/store/desk"
	"befree.example/store/triage"
	"befree.example/tui/replies"
	"befree.example/tui/text"
	"befree.example/tui/theme"
)

// Options say who sits at the console and how it looks. Line is required; the zero value of all else works.
type Options struct {
	Line     Line
	Name     string                                                          // of the member of staff at the console
	Device   string                                                          // with whose name the IDs of what is written here begin
	Theme    theme.Theme                                                     // zero for no colours at all
	ASCII    bool                                                            // draw nothing outside ASCII; texters' words stay as they are
	Language string                                                          // in which befree speaks, such as es; English where it does not know it
	Keys     map[string]string                                               // of commands, instead of those that befree comes with; see Bind
	Review   bool                                                            // no network: read only but for notes and plans
	Aside    bool                                                            // with Review: of what was set aside, and nothing is written
	Replies  []replies.Reply                                                 // offered as quick replies; nil for those that befree comes with
	Save     func(name, ending string, data []byte) (path string, err error) // in a new file; nil where that is not possible
	Files    func() []string                                                 // names of what Save has written and is still there; nil for nothing
	Unlock   func(passphrase []byte) error                                   // shows a locked screen again, seal.ErrPassphrase if it is not the one; nil for the key that locked it
	LockEnds bool                                                            // a lock ends the console once nothing is under way; see Carry
	Locked   *Carried                                                        // begin locked, and end once Unlock says yes; nil to begin as ever
	Carried  Carried                                                         // from the console before the lock
	Idle     time.Duration                                                   // without a key, after which the screen is locked; 0 for never
	Call     func(urgent bool)                                               // for the person at the console, by a bell or a notice; nil for none
	Zone     *time.Location                                                  // in which times are shown; nil for the machine's
	Show     func(frame string, anew bool)                                   // as soon as it is there; anew for all of it, though it seem the same
	Title    func(text string)                                               // of the terminal's window, whenever it changes; nil where it has none
	Copy     func(text string)                                               // to the terminal's clipboard, or with nothing out of it again; nil where there is none
	Mouse    func(on bool)                                                   // has the terminal tell of clicks; nil where it cannot
	CallFor  triage.Severity                                                 // the least severe text of somebody who waits that calls; none for high
	Tour     bool                                                            // say what may be done next, for whoever sits here first
	Report   func(stack []byte)                                              // of a panic: where it was, never what was on the screen; nil for nobody
}

// A Model is the console. Run it with tea.WithFilter(Filter) and tea.WithoutCatchPanics, and with tea.WithoutRenderer
// where Show shows its frames, and ask Err once it has ended.
type Model struct {
	look
	keys   keys
	world  world
	now    time.Time
	width  int
	height int

	queue    queue
	chat     chat
	composer composer
	notes    notes
	safety   *safety
	refer    *refer
	plan     *planForm
	side     side
	scroll   scroll // of the pane beside the conversation
	focus    pane

	open     string    // ID of the conversation on the screen
	askedFor string    // likewise, whose reader was asked why
	fresh    time.Time // when a text came that its person may not have read
	cameBack time.Time // when words came back into the composer on the screen
	dialogs  []*dialog // the last one takes the keys
	help     *help     // nil unless it is shown
	palette  *palette  // nil unless it is shown
	wrapUp   *wrapUp   // nil unless it is shown
	locked   *lock     // nil unless the screen is hidden
	acting   int       // how many acts are under way whose end must be seen here
	versions *versions // nil unless they are shown
	tour     *tour     // nil unless it is given
	previews previews
	slipped  string    // ID of the conversation whose text was held since it looks like a command
	mouse    bool      // clicks are ours
	quiet    bool      // its person is called for imminent danger alone
	called   time.Time // when the person was called for last
	cried    time.Time // when they were last since nobody takes who is in imminent danger; zero where somebody does
	notice   notice
	adopted  map[string]bool   // refused replies that are drafts again
	gave     map[string]uint64 // Seq up to which withdrawn replies are drafts again, by conversation
	dropping map[string]bool   // refused replies that are on their way out of the outbox
	lastKey  time.Time
	pressed  string // the last key
	again    bool   // the key of now is the one before, held down
	synced   bool   // drafts of the disk have been read
	unsaved  places
	read     reading
	resume   string                       // ID of the conversation that was open when the console ended
	wentBack bool                         // to where its person was writing, and they have pressed no key but letters since
	above    int                          // lines above its end
	sought   client.Found                 // what the conversation that is being opened is opened for
	undoing  map[string]bool              // IDs of replies that were to be taken back: true until that is answered
	early    []doneMsg                    // answers that came before the world they made
	claiming string                       // ID of the conversation that was asked for last, until that is decided
	untold   []handover                   // of what somebody else did with conversations that are not open
	owned    claims                       // whose conversations are, as far as their person was told
	untaught map[string]bool              // of which that is being told, by conversation: true that it is theirs
	began    time.Time                    // when the console did
	saving   bool                         // a save is due
	reasons  map[deed]string              // that were being given for what is not done yet
	wrapped  map[string]wrapped           // answers of wrap-ups that are not done, by conversation
	answers  map[string]map[string]string // answers in plans that are not saved, by conversation and item
	records  map[string]changes           // what was changed in safety records and is not saved, by conversation

	referring map[string]changes // referrals that are being written, by conversation

	frame  string
	title  string
	dirty  bool
	anew   bool // what the terminal shows is not to be trusted
	broken bool
	warned string        // of what keeps it from its relay
	anewed bool          // its person was told that the copy was begun anew
	stop   chan struct{} // closed when the console ends
}

// A pane takes keys.
type pane int

const (
	onQueue pane = iota
	onChat
	onComposer
	onSide
)

// A notice is what befree has to say, in the one place for it.
type notice struct {
	text string
	bad  bool
	at   time.Time
	ends time.Time // when it is true no more; zero for never

	alone bool // it tells of somebody in imminent danger whom nobody takes; text is what it said at first
}

// New returns a console.
func New(o Options) *Model {
	if o.Zone == nil {
		o.Zone = time.Local
	}
	if o.Replies == nil {
		o.Replies = replies.Default()
	}
	m := &Model{
		look: newLook(o), now: time.Now(), lastKey: time.Now(), dirty: true, stop: make(chan struct{}),
		adopted: map[string]bool{}, dropping: map[string]bool{}, gave: map[string]uint64{}, unsaved: places{}, read: reading{},
		began: time.Now(), owned: claims{}, untaught: map[string]bool{},
		answers: map[string]map[string]string{}, records: map[string]changes{}, referring: map[string]changes{}, reasons: map[deed]string{}, wrapped: map[string]wrapped{}, undoing: map[string]bool{},
	}
	m.queue = queue{look: &m.look, read: m.read}
	m.chat = chat{look: &m.look, laid: map[*desk.Message][]string{}, told: map[*desk.Turn][]string{}, began: map[uint64]bool{}}
	m.composer = newComposer(&m.look, m.unsaved)
	if o.Tour {
		m.tour = &tour{}
	}
	m.notes = notes{look: &m.look, editors: map[string]*editor{}}
	m.takeUp()
	return m
}

// Init starts the pump and the clock.
func (m *Model) Init() tea.Cmd { return tea.Batch(m.start(), m.loadDrafts(), m.prepare(), tick()) }

// Update routes.
func (m *Model) Update(msg tea.Msg) (_ tea.Model, cmd tea.Cmd) {
	defer m.guarded(&cmd)
	if act, ok := msg.(actedMsg); ok {
		m.acting--
		msg = act.Msg
	}
	m.readClock()
	m.dirty = true
	m.begun() // before what is on the screen changes
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height, m.anew = msg.Width, msg.Height, true
	case tea.KeyMsg:
		m.queue.chosen = true
		cmd = m.key(msg)
	case heldEscMsg:
		cmd = tea.Tick(escHold, func(time.Time) tea.Msg { return escDueMsg(msg) })
	case tea.MouseMsg:
		m.queue.chosen = true
		cmd = m.clicked(msg)
	case tickMsg:
		cmd = m.tick()
	case worldMsg:
		cmd = m.take(msg)
	case loadedMsg:
		cmd = m.loaded(msg)
	case draftsMsg:
		m.restore(msg)
		cmd = tea.Batch(m.takeBack(), m.goBack(), m.teach(), m.saveSoon())
	case numberMsg:
		cmd = m.shown(msg)
	case writtenMsg:
		m.written(msg)
	case filesLeftMsg:
		m.tellFiles(msg)
	case unlockedMsg:
		cmd = m.unlocked(msg)
	case saveMsg:
		cmd = m.save()
	case foundMsg:
		cmd = m.found(msg)
	case preparedMsg:
		cmd = m.rest()
	case savedMsg:
		cmd = m.saved(msg)
	case doneMsg:
		cmd = m.done(msg)
	case previewFailedMsg:
		m.previews.asked = nil
	case acceptMsg:
		m.accepted(msg)
	case Leave:
		cmd = m.leave()
	case brokenMsg:
		cmd = m.breakDown(msg.stack)
	default:
		m.dirty = false
	}
	m.askHands()
	if seen := m.looked(); seen != nil {
		cmd = tea.Batch(cmd, seen)
	}
	return m, cmd
}

// readClock is done once for each message: all that it changes happens at one moment.
func (m *Model) readClock() { m.now = time.Now() }

// View returns the frame: exactly width by height cells, the same string as before if nothing changed.
func (m *Model) View() string {
	if m.dirty {
		m.dirty, m.frame = false, m.draw()
		if m.Show != nil {
			m.Show(m.frame, m.anew)
		}
		m.retitle()
		m.anew = false
	}
	return m.frame
}

// Leave is for tea.Program.Send: the console keeps what is being written and ends, without asking.
type Leave struct{}

type tickMsg time.Time

func tick() tea.Cmd { return tea.Tick(time.Second, func(t time.Time) tea.Msg { return tickMsg(t) }) }

// tick lets waiting times go on, and rows find their places while nobody types.
func (m *Model) tick() tea.Cmd {
	if m.queue.stale && (!m.inQueue() || !m.now.Before(m.queue.Settles())) {
		m.queue.Settle()
	}
	var lock tea.Cmd
	m.forget()
	if m.Idle > 0 && m.locked == nil && m.now.Sub(m.lastKey) >= m.Idle {
		lock = m.lockUp()
	}
	if end := m.endLocked(); end != nil {
		return tea.Sequence(m.callAgain(), end)
	}
	return tea.Batch(tick(), lock, m.callAgain(), m.preview())
}

// forget takes away a notice that has stood long enough, or that is true no more.
func (m *Model) forget() {
	n := m.notice
	if !n.bad && m.now.Sub(n.at) > 8*time.Second || !n.ends.IsZero() && !m.now.Before(n.ends) {
		m.notice = notice{}
	}
}

// take shows a newer world and waits for the next.
func (m *Model) take(w worldMsg) tea.Cmd {
	next, call := m.pump(w), m.callFor(&m.world, &w.world)
	first, before := m.world.byID == nil, m.world
	m.world = w.world
	if first {
		m.recallTold()
	}
	m.warn()
	m.tellAnew()
	m.forgetHere(&before)
	m.queue.Take(&m.world, m.now, !first && m.inQueue())
	if w.err != nil {
		m.fail(m.plainly(w.err))
	}
	cmds := []tea.Cmd{next, call, m.teach(), m.filesLeft(&before), m.takeBack(), m.returned(), m.goBack(), m.preview()}
	if w.openID == m.open {
		m.show(w.open)
	} else if m.open != "" {
		cmds = append(cmds, m.load(m.open))
	}
	return tea.Batch(append(cmds, m.doneEarly()...)...)
}

// warn tells, once, what keeps the console from its relay and will not pass by itself.
func (m *Model) warn() {
	s := m.world.status
	switch {
	case s.Connected:
		m.warned = ""
	case s.Wrong && s.Trouble != m.warned:
		m.warned = s.Trouble
		m.ask(&dialog{
			title: m.T("There is no connection to the relay"), itself: true, lines: []string{text.Line(m.Word(s.Trouble))},
			choices: []choice{{"y", m.T("understood"), nil}},
		})
	}
}

// tellAnew tells, once, that the relay's log is another one, and what became of what was here.
func (m *Model) tellAnew() {
	s := m.world.status
	if !s.Renewed || m.anewed {
		return
	}
	m.anewed = true
	m.askAnew(s.Aside)
}

// askAnew tells that, and what of an older copy is set aside.
func (m *Model) askAnew(aside bolt.Aside) {
	lines := []string{m.T("Its log is not the one that this console knew, as after a backup was restored. What is on the screen is what the relay has now; what was being written here stays.")}
	if !aside.Until.IsZero() {
		lines = append(lines, m.T("What was here of your conversations was set aside on {{.Day}} and can be read until {{.Until}}, without a network, by: befree review --aside. What is forgotten is not in it.", "Day", m.date(aside.At), "Until", m.date(aside.Until)))
	}
	if aside.Lost > 0 {
		lines = append(lines, m.N(aside.Lost, "The disk of this machine had no room to set {{.N}} of your conversations aside: what was here of them alone is lost. Make room on it."))
	}
	told := &bolt.Aside{At: aside.At, Until: aside.Until, Lost: aside.Lost}
	m.ask(&dialog{title: m.T("The relay began anew"), itself: true, anew: told, lines: lines, choices: []choice{{"y", m.T("understood"), nil}}})
}

// readAlone tells whether nothing is written here, and says so.
func (m *Model) readAlone() bool {
	if m.Aside {
		m.say(m.T("This was set aside: it can be read, and nothing is written or sent here."))
	}
	return m.Aside
}

func (m *Model) loaded(l loadedMsg) tea.Cmd {
	if l.err != nil {
		m.fail(m.plainly(l.err))
		return nil
	}
	if l.id != m.open {
		return nil
	}
	m.show(l.open)
	return tea.Batch(m.arrive(l.open), m.fetchWords(l.open))
}

// reading is how far each conversation was read here: the Seq of the newest text of which all was on the screen.
type reading map[string]uint64

func (r reading) upTo(c *desk.Conversation) { r[c.ID] = max(r[c.ID], c.LastText) }

// news are the texts of a conversation since the last reply that were not read yet, the newest first. Those of a flood
// are not for reading one by one.
func (r reading) news(c *desk.Conversation) iter.Seq[*desk.Message] {
	return func(yield func(*desk.Message) bool) {
		for i := len(c.Messages) - 1; i >= 0; i-- {
			m := c.Messages[i]
			if m.Flood > 0 {
				i -= m.Flood - 1
				continue
			}
			if m.Seq <= r[c.ID] || m.Author != "" && !m.Inbound || m.Inbound && !yield(m) {
				return
			}
		}
	}
}

// unread counts them.
func (r reading) unread(c *desk.Conversation) (n int) {
	for range r.news(c) {
		n++
	}
	return n
}

// show puts the newest state of the open conversation on the screen.
func (m *Model) show(c *desk.Conversation) {
	if c == nil {
		return
	}
	was := m.chat.conv
	if was != nil && was.ID == c.ID && c.LastHeard > was.LastHeard {
		m.fresh = m.now
	}
	m.chat.Show(c)
	if m.focus == onComposer && (m.Aside || m.shut()) {
		m.focus = onChat
	}
	m.chat.going = m.world.going(c.ID)
	if m.plan != nil && m.plan.id == c.ID {
		m.plan.Take(c.Plan())
	}
	if m.safety != nil && m.safety.id == c.ID {
		m.safety.Take(c)
	}
}

// begun takes down which texts that are new begin on the screen.
func (m *Model) begun() {
	c := m.chat.conv
	if c == nil || m.read[c.ID] >= c.LastText || !m.inView() {
		return
	}
	for one := range m.read.news(c) {
		if m.lines || m.chat.Begins(one) {
			m.chat.began[one.Seq] = true
		}
	}
}

// looked counts as read what is new once all of it has begun on the screen, and its end is there after whatever happened.
func (m *Model) looked() tea.Cmd {
	c := m.chat.conv
	if c == nil || m.read[c.ID] >= c.LastText || !m.chat.AtEnd() || !m.inView() {
		return nil
	}
	for one := range m.read.news(c) {
		if !m.chat.began[one.Seq] {
			return nil
		}
	}
	m.read.upTo(c)
	return m.moved(c.ID)
}

// inView tells whether the open conversation is on the screen, or is being read out.
func (m *Model) inView() bool {
	switch {
	case m.locked != nil:
		return false
	case m.lines:
		return true
	case m.width < leastWidth || m.height < leastHeight || m.covered():
		return false
	}
	return m.width >= mediumFrom || m.focus == onChat || m.focus == onComposer
}

func (m *Model) say(text string)  { m.notice = notice{text: text, at: m.now} }
func (m *Model) fail(text string) { m.notice = notice{text: text, bad: true, at: m.now} }
