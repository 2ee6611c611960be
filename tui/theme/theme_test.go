package theme

import (
	"math"
	"reflect"
	"regexp"
	"strconv"
	"testing"

	"github.com/muesli/termenv"
)

// luminance is the relative luminance of WCAG 2.2, https://www.w3.org/TR/WCAG22/#dfn-relative-luminance.
func luminance(r, g, b float64) float64 {
	linear := func(c float64) float64 {
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b)
}

// contrast is the contrast ratio of WCAG 2.2, https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio.
func contrast(a, b float64) float64 { return (max(a, b) + 0.05) / (min(a, b) + 0.05) }

var colour = regexp.MustCompile(`38;5;(\d+)`)

// inks are all of a theme, by name.
func inks(t Theme) map[string]Ink {
	all := map[string]Ink{}
	v := reflect.ValueOf(t)
	for i := range v.NumField() {
		switch f := v.Field(i).Interface().(type) {
		case Ink:
			all[v.Type().Field(i).Name] = f
		case [4]Ink:
			for n, ink := range f {
				all["Severity "+strconv.Itoa(n)] = ink
			}
		}
	}
	return all
}

func TestContrast(t *testing.T) {
	black, almostBlack := luminance(0, 0, 0), luminance(0x1e/255., 0x1e/255., 0x1e/255.)
	white, almostWhite := luminance(1, 1, 1), luminance(0xf5/255., 0xf5/255., 0xf5/255.)
	for name, c := range map[string]struct {
		theme   Theme
		grounds []float64
		least   float64
	}{
		"dark":     {Dark(), []float64{black, almostBlack}, 4.5},
		"light":    {Light(), []float64{white, almostWhite}, 4.5},
		"contrast": {Contrast(), []float64{black, almostBlack}, 7},
	} {
		seen := 0
		for role, ink := range inks(c.theme) {
			code := colour.FindStringSubmatch(ink.on)
			if code == nil {
				continue // the terminal's own colour
			}
			seen++
			n, _ := strconv.Atoi(code[1])
			rgb := termenv.ConvertToRGB(termenv.ANSI256Color(n))
			for _, ground := range c.grounds {
				if got := contrast(luminance(rgb.R, rgb.G, rgb.B), ground); got < c.least {
					t.Errorf("%s: %s has a contrast of %.2f to 1, want %.1f", name, role, got, c.least)
				}
			}
		}
		if seen < 9 {
			t.Errorf("%s: only %d colours were looked at", name, seen)
		}
	}
}

var old = regexp.MustCompile(`[\[;](3|9)([0-7])m`)

// palettes are the sixteen colours of those who have no more, on their own black: xterm's (its manual, color0 to
// color15) and VGA text mode's, which the Linux console has. The bright ones only, and the white that muted is.
var palettes = map[string]map[string][3]float64{
	"xterm": {"37": {229, 229, 229}, "91": {255, 0, 0}, "92": {0, 255, 0}, "93": {255, 255, 0}, "95": {255, 0, 255}, "96": {0, 255, 255}, "97": {255, 255, 255}},
	"vga":   {"37": {170, 170, 170}, "91": {255, 85, 85}, "92": {85, 255, 85}, "93": {255, 255, 85}, "95": {255, 85, 255}, "96": {85, 255, 255}, "97": {255, 255, 255}},
}

// TestContrastOfSixteen can speak of the standard palettes alone: what the sixteen are is the terminal's to say, and
// whoever changes them, or the ground, answers for it.
func TestContrastOfSixteen(t *testing.T) {
	for name, palette := range palettes {
		seen := 0
		for role, ink := range inks(Sixteen()) {
			code := old.FindStringSubmatch(ink.on)
			if code == nil {
				continue
			}
			seen++
			rgb, ok := palette[code[1]+code[2]]
			if got := contrast(luminance(rgb[0]/255, rgb[1]/255, rgb[2]/255), luminance(0, 0, 0)); !ok || got < 4.5 {
				t.Errorf("%s: %s (%s%s) has a contrast of %.2f to 1, want 4.5", name, role, code[1], code[2], got)
			}
		}
		if seen < 10 {
			t.Errorf("%s: only %d colours were looked at", name, seen)
		}
	}
}

// TestRolesCanBeToldApart: the marks of severity say it all, and where there are colours they differ too.
func TestRolesCanBeToldApart(t *testing.T) {
	for name, theme := range map[string]Theme{"dark": Dark(), "light": Light(), "contrast": Contrast(), "sixteen": Sixteen()} {
		seen := map[string]bool{}
		for _, ink := range theme.Severity {
			seen[ink.on] = true
		}
		if len(seen) != 4 {
			t.Errorf("%s: %d colours for four severities", name, len(seen))
		}
	}
	for role, ink := range inks(Plain()) {
		if role != "Cursor" && ink.on != "" {
			t.Errorf("plain: %s has a colour", role)
		}
	}
}
