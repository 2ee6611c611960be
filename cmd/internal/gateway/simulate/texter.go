package simulate

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"befree.example/store/sms"
)

// A texter who was away this long does not answer what was texted meanwhile one by one.
const away = time.Hour

// A texter is one person playing a script once.
type texter struct {
	*Carrier

	script *Script
	number sms.Number
	phone  *handset
	rand   *rand.Rand
}

// play lets one script be played, over and over with Loop.
func (c *Carrier) play(ctx context.Context, s *Script) {
	defer c.fallSilent()
	for round := 0; ; round++ {
		t := c.texter(s, round)
		if !t.act(ctx) || !c.config.Loop {
			return
		}
		if !pause(ctx, max(leastBetween, at(c.config.Pace, vary(t.rand, betweenPlays)))) {
			return
		}
	}
}

func (c *Carrier) fallSilent() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.playing--; c.playing == 0 {
		close(c.ended)
	}
}

func (c *Carrier) texter(s *Script, round int) *texter {
	c.mu.Lock()
	defer c.mu.Unlock()
	number := later(s.Number, round)
	t := &texter{Carrier: c, script: s, number: number, phone: c.handset(number), rand: c.chance("texter", number, 0).stream()}
	t.phone.lost = s.lost
	return t
}

// later returns the number of a script's texter in a later round: the same area code, another of the hundred fictional
// numbers in it. Since no two scripts share an area code, only the hundredth round comes back to a number.
func later(n sms.Number, round int) sms.Number {
	whole := n.Reveal()
	head := whole[:len(whole)-2]
	tail, _ := strconv.Atoi(whole[len(whole)-2:])
	return sms.Number(fmt.Sprintf("%s%02d", head, (tail+round*7)%100))
}

// act plays the script and tells whether it came to its end before ctx did.
func (t *texter) act(ctx context.Context) bool {
	for scene := t.script.scenes[0]; scene != nil; {
		passage := &scene.passage
		used := make([]bool, len(scene.rules))
		for {
			if !t.say(ctx, passage.lines) {
				return false
			}
			if passage.leaves() {
				break
			}
			i := t.await(ctx, scene.rules, used)
			if i < 0 {
				return false
			}
			used[i], passage = true, &scene.rules[i].passage
		}
		scene = passage.to
	}
	return true
}

func (t *texter) say(ctx context.Context, lines []line) bool {
	for _, l := range lines {
		wait := at(t.config.Pace, vary(t.rand, l.delay))
		if longest := t.config.LongestGap; longest > 0 {
			wait = min(wait, longest)
		}
		if !pause(ctx, wait) {
			return false
		}
		if l.delay >= away {
			t.forget(t.phone)
		}
		t.bring(ctx, t.number, l)
	}
	return ctx.Err() == nil
}

// await returns the rule that a reply, or the lack of one, brings into play. Each is used once while the scene lasts. It
// returns -1 when ctx has ended.
func (t *texter) await(ctx context.Context, rules []*rule, used []bool) int {
	silent := firstSilent(rules, used)
	timer := time.NewTimer(t.patience(rules[silent].silence))
	defer timer.Stop()
	for over := false; ; {
		if reply, ok := t.next(t.phone); ok {
			if i := answering(rules, used, reply); i >= 0 {
				return i
			}
			timer.Reset(t.patience(rules[silent].silence))
			over = false
			continue
		}
		if over {
			return silent
		}
		select {
		case <-t.phone.ring:
		case <-timer.C:
			over = true // unless a reply has come at the same moment
		case <-ctx.Done():
			return -1
		}
	}
}

// patience returns how long silence is waited for at this pace.
func (t *texter) patience(silence time.Duration) time.Duration {
	return max(at(t.config.Pace, vary(t.rand, silence)), min(silence, t.config.Patience))
}

func firstSilent(rules []*rule, used []bool) int {
	for i, r := range rules {
		if r.silence > 0 && !used[i] {
			return i
		}
	}
	panic("simulate: script was not checked") // its last rule for silence leaves the scene
}

func answering(rules []*rule, used []bool, reply sms.Text) int {
	said := fold(reply.Reveal())
	for i, r := range rules {
		if r.silence == 0 && !used[i] && r.matches(said) {
			return i
		}
	}
	return -1
}
