package desk_test

import (
	"testing"

	"befree.example/store/desk"
)

func TestPlace(t *testing.T) {
	type said = map[string][]string
	for _, test := range []struct {
		params said
		want   string
	}{
		{nil, ""},
		{said{"FromCity": {"CHICOPEE"}, "FromState": {"MA"}, "FromCountry": {"US"}, "ToCountry": {"US"}}, "CHICOPEE, MA"},
		{said{"FromCity": {""}, "FromState": {"MA"}, "FromCountry": {"US"}, "ToCountry": {"US"}}, "MA"},
		{said{"FromCity": {""}, "FromState": {""}, "FromCountry": {"US"}, "ToCountry": {"US"}}, ""},
		{said{"FromCountry": {"MX"}, "ToCountry": {"US"}}, "MX"},
	} {
		if got := (desk.Text{Params: test.params}).Place(); got != test.want {
			t.Errorf("%v: %q, not %q", test.params, got, test.want)
		}
	}
}
