package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"befree.example/cmd/internal/config"
	"befree.example/store/sms"
	"befree.example/store/triage"
	"befree.example/tui/text"
)

// longestLine is how long a line of texts may be, in bytes without its end.
const longestLine = 1 << 20

// explainCmd tries out rules on texts before they count.
type explainCmd struct {
	Triage string `help:"Rules file to try; without it, the rules that befree comes with." placeholder:"FILE"`
}

// An explanation is what the relay makes of one text. It knows no opt-outs: a lone YES is none.
type explanation struct {
	Keyword  sms.Keyword     `json:"keyword"`
	Severity triage.Severity `json:"severity"`
	Reasons  []triage.Reason `json:"reasons"` // never null
	sms.Segmentation
}

// Run explains standard input on standard output.
func (c *explainCmd) Run(std *config.Std) error {
	rules, err := loadRules(c.Triage)
	if err != nil {
		return err
	}
	return explain(rules, std.In, std.Out)
}

// loadRules reads the rules file at path, or gives those that befree comes with if path is empty.
func loadRules(path string) (*triage.Rules, error) {
	if path == "" {
		return triage.Default(), nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the rules: %w", err)
	}
	defer f.Close()
	return triage.Load(path, f)
}

// explain reads one JSON string a line and writes one JSON object a line, each at once. Blank lines are passed over. The
// first line that is not a JSON string ends it with an error that names the line; what came before it is explained. No
// error repeats a text.
func explain(rules *triage.Rules, in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, longestLine+len("\r\n"))
	n := 1
	for ; lines.Scan(); n++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		if err := explainLine(rules, line, out); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("line %d: longer than 1 MiB: put each text on a line of its own", n)
	}
	return lines.Err()
}

func explainLine(rules *triage.Rules, line []byte, out io.Writer) error {
	var words *string
	if err := json.Unmarshal(line, &words); err != nil || words == nil {
		return errors.New(`not a JSON string: write each text in quotes on a line of its own, like "he is here"`)
	}
	result := rules.Judge(*words)
	b, err := json.Marshal(explanation{sms.Class(*words), result.Severity, result.Reasons, sms.Segments(*words)})
	if err != nil {
		return err
	}
	_, err = out.Write(append(text.JSON(b), '\n'))
	return err
}
