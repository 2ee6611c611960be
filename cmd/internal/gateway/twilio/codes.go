package twilio

import "fmt"

// Explain says in plain words what an error code of Twilio's (twilio.com/docs/api/errors) means for a specialist, and what
// to do. An unknown code gives a sentence that names it.
func Explain(code int) string {
	if words, ok := codes[code]; ok {
		return words
	}
	if code == 0 {
		return "The carrier refused it without saying why. Tell whoever runs the relay."
	}
	return fmt.Sprintf("It did not go through; the carrier gives error %d. Tell whoever runs the relay.", code)
}

var codes = map[int]string{
	20003: "The carrier does not accept our account. Nothing can be sent: tell whoever runs the relay at once.",
	20404: "The carrier does not know our account. Nothing can be sent: tell whoever runs the relay at once.",
	20429: "We ask the carrier too often. It was not sent; the relay offers it again by itself.",
	21211: "The carrier says that this is no number that can be texted. Check the number.",
	21212: "The carrier does not take our number as a sender. Nothing can be sent: tell whoever runs the relay at once.",
	21408: "Our account may not text this country. Tell whoever runs the relay, and find another way to reach them.",
	21602: "It had no words. Write it again.",
	21604: "It had no number to go to. Tell whoever runs the relay.",
	21606: "Our number cannot send texts. Tell whoever runs the relay at once.",
	21608: "Our account is a trial and may not text this number. Tell whoever runs the relay at once.",
	21610: "This person opted out at the carrier. Nothing can be sent until they text START.",
	21611: "Too many texts wait at the carrier. Wait a little, then send it again.",
	21612: "This number cannot be reached from ours. Find another way to reach them.",
	21614: "This number cannot receive texts; it may be a landline. Find another way to reach them.",
	21617: "It is longer than 1,600 characters. Send it in parts.",
	30001: "Too many texts waited at the carrier and it gave up on this one. Send it again.",
	30002: "Our account is suspended. Nothing can be sent: tell whoever runs the relay at once.",
	30003: "The phone could not be reached: switched off, or without signal. It may be tried again later.",
	30004: "The phone or its network blocks our texts. Do not go on texting; find another way to reach them.",
	30005: "The number is not in use, or the phone cannot be found. Check the number.",
	30006: "The number is a landline, or its network takes no texts. Find another way to reach them.",
	30007: "The network took it for unwanted and did not deliver it. Say it in other words, without a link.",
	30008: "It was not delivered, and the network does not say why. It may be tried again.",
	30009: "A part of a long text was lost. Send it again in shorter texts.",
	30022: "We send faster than the network allows us. Wait a little, then send it again.",
	30023: "We have sent as many texts today as the network allows. Tell whoever runs the relay.",
	30032: "Our number is not verified with the networks. Tell whoever runs the relay.",
	30034: "Our number is not registered with the networks. Tell whoever runs the relay.",
	30036: "It could not be delivered in time and was dropped, so that it does not come late. Send it again if it still fits.",
}
