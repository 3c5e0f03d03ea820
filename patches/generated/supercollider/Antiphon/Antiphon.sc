// Made from the parameter table by `antiphon params --clients`; edit patches/clients/supercollider, not this.
// Antiphon plays the instrument over OSC: a method for each control, which with a value sets it and without gives it.
// What it gives is what the instrument said last, until then the value it starts with: ask with .refresh.

Antiphon {
	classvar specTable;
	var <addr, <values, <>onEcho, <>onError, feeds, rates, heard, waiting, renewing;

	*new { |host = "127.0.0.1", port = 9000|
		^super.new.init(host, port)
	}

	// path, kind, minimum, maximum, warp, step, default, unit, choices, most, help
	*table {
		^#[
			['mode', 'enum', 0, 2, 'lin', 1, 'answer', "", ['listen', 'answer', 'hold'], 1, "listen: hear and stay silent. answer: carry a phrase on when it ends. hold: go on until told"],
			['trigger', 'trigger', 1, 1, 'lin', 1, nil, "", [], 1, "Begin an answer at the next step; during an answer, begin it anew"],
			['hold', 'bool', 0, 1, 'lin', 1, false, "", [], 1, "While on, an answer goes on as in mode hold; off, the mode counts again"],
			['panic', 'trigger', 1, 1, 'lin', 1, nil, "", [], 1, "Silence at once, and forget what was heard"],
			['regenerate', 'trigger', 1, 1, 'lin', 1, nil, "", [], 1, "Play the last answer again with other chances, from where it began"],
			['keep', 'trigger', 1, 8, 'lin', 1, nil, "", [], 8, "Keep the answer that sounds or sounded last, or the phrase where it was not answered, in a slot"],
			['recall', 'trigger', 1, 8, 'lin', 1, nil, "", [], 8, "Play what a slot keeps, as recall_as says"],
			['recall_as', 'enum', 0, 2, 'lin', 1, 'loop', "", ['loop', 'once', 'continue'], 1, "loop: again and again. once: to its end. continue: take it for the performer's phrase, and answer it"],
			['freeze', 'bool', 0, 1, 'lin', 1, false, "", [], 1, "Hold the note that sounds, or sounded last, until off; nothing new begins meanwhile"],
			['play_note', 'trigger', 1, 127, 'lin', 1, nil, "note", [], 127, "Begin the answer's next note at once, on this pitch (a MIDI number); none sounds where there is no answer"],
			['answer_s', 'float', 0.5, 600, 'exp', 0, 8, "s", [], 1, "How long an answer lasts in mode answer"],
			['phrase_gap_s', 'float', 0.1, 5, 'exp', 0, 0.6, "s", [], 1, "How long a silence ends the performer's phrase"],
			['phrase_margin', 'float', 3, 40, 'lin', 0, 10, "dB", [], 1, "How far above the room's noise the performer must be to be heard"],
			['yield', 'bool', 0, 1, 'lin', 1, true, "", [], 1, "Fall silent within one step when the performer begins again"],
			['yield_margin', 'float', 0, 40, 'lin', 0, 6, "dB", [], 1, "How far above its own voice in the microphone the performer must be for it to yield"],
			['seed', 'int', 0, 2147483647, 'lin', 1, 1, "", [], 1, "Where the chances of the next answer start: the same seed and sound give the same answer"],
			['guard_notes', 'int', 4, 32, 'lin', 1, 8, "notes", [], 1, "Notes in a row, in their rhythm, that no answer plays of a melody the model learned from or of a guarded work"],
			['guard_intervals', 'int', 4, 64, 'lin', 1, 12, "intervals", [], 1, "Intervals in a row, in whatever rhythm, that no answer plays of such a melody"],
			['key', 'enum', 0, 12, 'lin', 1, 'performer', "", ['performer', 'c', 'c#', 'd', 'eb', 'e', 'f', 'f#', 'g', 'ab', 'a', 'bb', 'b'], 1, "Tonic of the answer; performer: as heard"],
			['scale', 'enum', 0, 24, 'lin', 1, 'performer', "", ['performer', 'major', 'minor', 'harmonic-minor', 'melodic-minor', 'dorian', 'phrygian', 'lydian', 'mixolydian', 'locrian', 'pentatonic', 'minor-pentatonic', 'blues', 'whole-tone', 'octatonic', 'chromatic', 'rast', 'bayati', 'hijaz', 'saba', 'bhairav', 'yaman', 'pelog', 'slendro', 'cents'], 1, "Scale of the answer, in its own tuning; performer: as heard. cents: as scale_cents says"],
			['scale_cents', 'list', 0, 1199.5, 'lin', 0, [], "cents", [], 12, "Steps of a scale of your own above its tonic, for scale cents"],
			['scale_grip', 'float', 0, 1, 'lin', 0, 0.5, "", [], 1, "How firmly the answer keeps to the scale: 0 free, 1 its notes only"],
			['chord', 'list', 0, 127, 'lin', 0, [], "note", [], 12, "Notes of a chord that the answer keeps to, in any octave (MIDI numbers or names); none: no chord"],
			['chord_grip', 'float', 0, 1, 'lin', 0, 1, "", [], 1, "How firmly it keeps to the chord: 0 not at all, 1 its notes only"],
			['register_low', 'float', 0, 127, 'lin', 0, 0, "note", [], 1, "Lowest pitch of the answer (a MIDI number)"],
			['register_high', 'float', 0, 127, 'lin', 0, 127, "note", [], 1, "Highest pitch of the answer (a MIDI number)"],
			['register_grip', 'float', 0, 1, 'lin', 0, 0.5, "", [], 1, "How firmly the answer stays in the performer's register: 0 free, 1 held fast"],
			['transpose', 'int', -24, 24, 'lin', 1, 0, "semitones", [], 1, "How far from the performer's register the answer is sung"],
			['tune_to', 'enum', 0, 2, 'lin', 1, 'performer', "", ['performer', '440', 'off'], 1, "performer: their tuning, and their shade of each step. 440: concert pitch. off: as far out of tune as they were"],
			['glide', 'float', 0, 2, 'lin', 0, 1, "", [], 1, "How much a note slides to where it goes: 0 not at all, 1 as they did, 2 twice as far"],
			['vibrato', 'float', 0, 3, 'lin', 0, 1, "", [], 1, "Depth of vibrato: 0 none, 1 as theirs, 3 three times as deep"],
			['tempo', 'float', 20, 300, 'exp', 0, 0, "bpm", [], 1, "Tempo of the answer; performer: the one they are in. A clock that is followed sets it (sync)"],
			['tap', 'trigger', 1, 1, 'lin', 1, nil, "", [], 1, "A beat is now: two taps set the tempo, each sets where the beat falls"],
			['beat', 'list', 0, 1000000000, 'lin', 0, [], "", [], 2, "Device time in s of a beat, and beats per minute: set by tap and by clocks. none: beats begin with the answer"],
			['sync', 'enum', 0, 2, 'lin', 1, 'midi', "", ['off', 'midi', 'link'], 1, "Whose clock sets tempo and beat while it runs: none, MIDI's, or Ableton Link's"],
			['grid', 'enum', 0, 5, 'lin', 1, '1/16', "", ['1/4', '1/8', '1/8t', '1/16', '1/16t', '1/32'], 1, "What notes are drawn to, in parts of a whole note; t: triplets"],
			['grid_grip', 'float', 0, 1, 'lin', 0, 0, "", [], 1, "How firmly notes begin on the grid: 0 free, 1 exactly"],
			['swing', 'float', 0.5, 0.75, 'lin', 0, 0.5, "", [], 1, "Where the second of two lines of the grid falls between the first and the third: 0.5 in the middle"],
			['density', 'float', 0.25, 4, 'exp', 0, 1, "", [], 1, "How many notes: 1 as many as theirs, 2 twice as many"],
			['phrase_length', 'float', 1, 20, 'exp', 0, 0, "s", [], 1, "How long it plays between breaths; performer: as long as they do"],
			['temperature', 'float', 0.1, 2, 'lin', 0, 0.9, "", [], 1, "How adventurous the answer is: low is safe, high is wild"],
			['top_p', 'float', 0.05, 1, 'lin', 0, 1, "", [], 1, "Share of the likely notes that may be chosen from: 1 all of them, low only the likeliest"],
			['novelty', 'float', 0, 1, 'lin', 0, 0.5, "", [], 1, "0 repeats the performer's motifs, 1 leaves them"],
			['loudness', 'float', -30, 12, 'lin', 0, 0, "dB", [], 1, "How loudly it sings, against how loudly you did; a soft voice sounds softer, too"],
			['timbre', 'float', 0, 1, 'lin', 0, 0, "", [], 1, "Whose sound: 0 the performer's own, 1 the stored voices'"],
			['timbre_x', 'float', 0, 1, 'lin', 0, 0, "", [], 1, "Which stored voice: 0 the first and third, 1 the second and fourth"],
			['timbre_y', 'float', 0, 1, 'lin', 0, 0, "", [], 1, "Which stored voice: 0 the first and second, 1 the third and fourth"],
			['store_voice', 'trigger', 1, 4, 'lin', 1, nil, "", [], 4, "Put the performer's sound, as heard in the last 20 s, in the place of a stored voice"],
			['breath', 'float', -30, 24, 'lin', 0, 0, "dB", [], 1, "Level of breath and noise in the voice, against how breathy it was"],
			['brightness', 'float', -6, 6, 'lin', 0, 0, "dB", [], 1, "Tilt of the voice's spectrum per octave above 500 Hz"],
			['dry', 'float', -80, 12, 'lin', 0, 0, "dB", [], 1, "Gain of the performer's own sound"],
			['voice', 'float', -80, 12, 'lin', 0, 0, "dB", [], 1, "Gain of the instrument's voice"],
			['lowpass', 'float', 20, 20000, 'exp', 0, 20000, "Hz", [], 1, "Cutoff of the voice's low-pass filter; 20000 leaves it out"],
			['highpass', 'float', 20, 20000, 'exp', 0, 20, "Hz", [], 1, "Cutoff of the voice's high-pass filter; 20 leaves it out"],
			['resonance', 'float', 0, 1, 'lin', 0, 0, "", [], 1, "How much both filters ring at their cutoff"],
			['send/1', 'float', -80, 12, 'lin', 0, 0, "dB", [], 1, "Gain of the voice at output channel 1, before master"],
			['send/2', 'float', -80, 12, 'lin', 0, 0, "dB", [], 1, "Gain of the voice at output channel 2, before master"],
			['send/3', 'float', -80, 12, 'lin', 0, 0, "dB", [], 1, "Gain of the voice at output channel 3, before master"],
			['send/4', 'float', -80, 12, 'lin', 0, 0, "dB", [], 1, "Gain of the voice at output channel 4, before master"],
			['send/5', 'float', -80, 12, 'lin', 0, 0, "dB", [], 1, "Gain of the voice at output channel 5, before master"],
			['send/6', 'float', -80, 12, 'lin', 0, 0, "dB", [], 1, "Gain of the voice at output channel 6, before master"],
			['send/7', 'float', -80, 12, 'lin', 0, 0, "dB", [], 1, "Gain of the voice at output channel 7, before master"],
			['send/8', 'float', -80, 12, 'lin', 0, 0, "dB", [], 1, "Gain of the voice at output channel 8, before master"],
			['master', 'float', -80, 12, 'lin', 0, 0, "dB", [], 1, "Gain of everything that goes out, before the limiter"],
			['mute', 'bool', 0, 1, 'lin', 1, false, "", [], 1, "Silence everything that goes out, while listening goes on"],
			['preset', 'text', 0, 1, 'lin', 0, nil, "", [], 200, "Take the values of a preset, by name or file, over morph_s seconds"],
			['morph_s', 'float', 0, 60, 'lin', 0, 0, "s", [], 1, "How long the way to a preset takes; what cannot lie between two values changes at once"],
			['ask', 'text', 0, 1, 'lin', 0, nil, "", [], 500, "Ask in words for what the rows can do: slow, dark, sparse, C minor, 80 bpm, breathy"],
			['take/start', 'trigger', 1, 1, 'lin', 1, nil, "", [], 1, "Record a take: your sound, the voice, the mix, every event, and the proof of how it was made"],
			['take/stop', 'trigger', 1, 1, 'lin', 1, nil, "", [], 1, "End the take; it is written to its end and signed"],
			['take/name', 'text', 0, 1, 'lin', 0, nil, "", [], 60, "What the takes to come are called, in the folder where takes lie; date and time without it"],
			['midi_learn', 'text', 0, 1, 'lin', 0, nil, "", [], 80, "Let the next controller, key or pad that is moved steer this row, or row=value; off: no more"],
			['midi_notes', 'enum', 0, 2, 'lin', 1, 'chord', "", ['chord', 'note', 'off'], 1, "What notes of a MIDI keyboard do: hold a chord to keep to, or play the answer's next note"],
		]
	}

	*rows {
		^this.table.collect { |row| row[0] }
	}

	*row { |path|
		^this.table.detect { |row| row[0] == path.asSymbol } ?? {
			Error("Antiphon: no row % (Antiphon.rows has them all)".format(path)).throw
		}
	}

	// A ControlSpec for each row: of a list's numbers, of an enum's or a numbered trigger's choice; a text has none.
	*specs {
		^specTable ?? {
			specTable = IdentityDictionary.new;
			this.table.do { |row|
				var default = row[6];
				if(row[1] == 'bool') { default = default.binaryValue };
				if(row[1] == 'enum') { default = row[8].indexOf(default) };
				if(default.isNumber.not) { default = row[2] };
				if(row[1] != 'text') {
					specTable[row[0]] = ControlSpec(row[2], row[3], row[4], row[5], default, row[7])
				}
			};
			specTable
		}
	}

	*choices { |path| ^this.row(path)[8] }

	*help { |path| ^this.row(path)[10] }

	init { |host, port|
		addr = NetAddr(host, port);
		values = IdentityDictionary.new;
		feeds = IdentityDictionary.new;
		rates = IdentityDictionary.new;
		this.class.table.do { |row| if(row[6].notNil) { values[row[0]] = row[6] } };
		onError = { |text, near| "Antiphon: %".format(text).warn };
		heard = { |message, time, from| if(from.port == addr.port) { this.hear(message) } };
		thisProcess.addOSCRecvFunc(heard);
		renewing = true; // a subscription ends by itself after 60 s
		SystemClock.sched(30, {
			if(renewing) { rates.keysValuesDo { |name, hz| this.send('subscribe', name, hz) }; 30 }
		});
	}

	free {
		if(renewing and: { rates.notEmpty }) { this.send('unsubscribe') };
		renewing = false;
		rates.clear;
		thisProcess.removeOSCRecvFunc(heard);
	}

	get { |path| ^values[path.asSymbol] ?? { this.class.row(path)[6] } }

	set { |path, value|
		if(this.class.row(path)[1] == 'list' and: { value.isNil or: { value.isCollection and: { value.isEmpty } } }) { value = "none" };
		this.send(path, value);
	}

	// 0 to 1 over the row's range, by its curve: for faders and MIDI.
	setUnmapped { |path, position|
		this.set(path, this.class.specs[path.asSymbol].map(position))
	}

	send { |path ... arguments|
		var message = [("/antiphon/" ++ path).asSymbol];
		arguments.do { |argument|
			if(argument.isString.not and: { argument.isKindOf(Collection) }) {
				message = message ++ argument.asArray
			} {
				if(argument.notNil) { message = message.add(argument) }
			}
		};
		message = message.collect { |part| if(part.isKindOf(Boolean)) { part.binaryValue } { part } };
		if(waiting.notNil) { waiting.add(message) } { addr.sendMsg(*message) }
	}

	// What the function sends leaves as one bundle, to be heard `latency` seconds from now: to the frame, for gains and filters.
	at { |latency, function|
		var before = waiting, messages;
		waiting = List.new;
		protect { function.value(this) } { messages = waiting; waiting = before };
		if(messages.notEmpty) { addr.sendBundle(latency, *messages) }
	}

	// Hear of a feed (meters, pitch, notes, heard, latency, health), of a row or a pattern of rows (send/*), or of every
	// row (echo), whoever changes it, up to `hz` times in a second. What it is now comes at once.
	subscribe { |name, hz = 20, function|
		feeds[name.asSymbol] = function;
		rates[name.asSymbol] = hz;
		this.send('subscribe', name, hz);
	}

	unsubscribe { |name|
		feeds.removeAt(name.asSymbol);
		rates.removeAt(name.asSymbol);
		this.send('unsubscribe', name);
	}

	// Ask for every value, or for one; the answers set `values`.
	refresh { |path|
		if(path.notNil) { ^this.send(path) };
		this.class.table.do { |row| if(row[6].notNil) { this.send(row[0]) } };
	}

	// Ask for the names and numbers of the status; the function takes them as a Dictionary.
	status { |function|
		feeds[\status] = { |...pairs| function.value(pairs.as(Dictionary)) };
		this.send('status');
	}

	hear { |message|
		var parts = message[0].asString.split($/), words = message.drop(1), name;
		if(parts[1] != "antiphon") { ^this };
		name = parts.drop(3).join("/").asSymbol;
		switch(parts[2],
			"echo", { this.take(name, words) },
			"feed", { feeds[name].value(*words) },
			"status", { feeds[\status].value(*words) },
			"error", { onError.value(words[0], words.drop(1)) }
		)
	}

	take { |name, words|
		var row = this.class.table.detect { |row| row[0] == name };
		if(row.isNil) { ^this };
		if(row[6].notNil) {
			values[name] = switch(row[1],
				'list', { if(words == ['none']) { [] } { words } },
				'bool', { words[0] == true or: { words[0] == 1 } },
				'enum', { words[0].asSymbol },
				{ words[0] }
			)
		};
		onEcho.value(name, *words);
		feeds[name].value(*words);
	}

	mode { |value| ^if(value.isNil) { this.get('mode') } { this.set('mode', value) } }
	mode_ { |value| this.set('mode', value) }
	trigger { this.send('trigger') }
	hold { |value| ^if(value.isNil) { this.get('hold') } { this.set('hold', value) } }
	hold_ { |value| this.set('hold', value) }
	panic { this.send('panic') }
	regenerate { this.send('regenerate') }
	keep { |number| this.send('keep', number) }
	recall { |number| this.send('recall', number) }
	recall_as { |value| ^if(value.isNil) { this.get('recall_as') } { this.set('recall_as', value) } }
	recall_as_ { |value| this.set('recall_as', value) }
	freeze { |value| ^if(value.isNil) { this.get('freeze') } { this.set('freeze', value) } }
	freeze_ { |value| this.set('freeze', value) }
	play_note { |number| this.send('play_note', number) }
	answer_s { |value| ^if(value.isNil) { this.get('answer_s') } { this.set('answer_s', value) } }
	answer_s_ { |value| this.set('answer_s', value) }
	phrase_gap_s { |value| ^if(value.isNil) { this.get('phrase_gap_s') } { this.set('phrase_gap_s', value) } }
	phrase_gap_s_ { |value| this.set('phrase_gap_s', value) }
	phrase_margin { |value| ^if(value.isNil) { this.get('phrase_margin') } { this.set('phrase_margin', value) } }
	phrase_margin_ { |value| this.set('phrase_margin', value) }
	yield { |value| ^if(value.isNil) { this.get('yield') } { this.set('yield', value) } }
	yield_ { |value| this.set('yield', value) }
	yield_margin { |value| ^if(value.isNil) { this.get('yield_margin') } { this.set('yield_margin', value) } }
	yield_margin_ { |value| this.set('yield_margin', value) }
	seed { |value| ^if(value.isNil) { this.get('seed') } { this.set('seed', value) } }
	seed_ { |value| this.set('seed', value) }
	guard_notes { |value| ^if(value.isNil) { this.get('guard_notes') } { this.set('guard_notes', value) } }
	guard_notes_ { |value| this.set('guard_notes', value) }
	guard_intervals { |value| ^if(value.isNil) { this.get('guard_intervals') } { this.set('guard_intervals', value) } }
	guard_intervals_ { |value| this.set('guard_intervals', value) }
	key { |value| ^if(value.isNil) { this.get('key') } { this.set('key', value) } }
	key_ { |value| this.set('key', value) }
	scale { |value| ^if(value.isNil) { this.get('scale') } { this.set('scale', value) } }
	scale_ { |value| this.set('scale', value) }
	scale_cents { |value| ^if(value.isNil) { this.get('scale_cents') } { this.set('scale_cents', value) } }
	scale_cents_ { |value| this.set('scale_cents', value) }
	scale_grip { |value| ^if(value.isNil) { this.get('scale_grip') } { this.set('scale_grip', value) } }
	scale_grip_ { |value| this.set('scale_grip', value) }
	chord { |value| ^if(value.isNil) { this.get('chord') } { this.set('chord', value) } }
	chord_ { |value| this.set('chord', value) }
	chord_grip { |value| ^if(value.isNil) { this.get('chord_grip') } { this.set('chord_grip', value) } }
	chord_grip_ { |value| this.set('chord_grip', value) }
	register_low { |value| ^if(value.isNil) { this.get('register_low') } { this.set('register_low', value) } }
	register_low_ { |value| this.set('register_low', value) }
	register_high { |value| ^if(value.isNil) { this.get('register_high') } { this.set('register_high', value) } }
	register_high_ { |value| this.set('register_high', value) }
	register_grip { |value| ^if(value.isNil) { this.get('register_grip') } { this.set('register_grip', value) } }
	register_grip_ { |value| this.set('register_grip', value) }
	transpose { |value| ^if(value.isNil) { this.get('transpose') } { this.set('transpose', value) } }
	transpose_ { |value| this.set('transpose', value) }
	tune_to { |value| ^if(value.isNil) { this.get('tune_to') } { this.set('tune_to', value) } }
	tune_to_ { |value| this.set('tune_to', value) }
	glide { |value| ^if(value.isNil) { this.get('glide') } { this.set('glide', value) } }
	glide_ { |value| this.set('glide', value) }
	vibrato { |value| ^if(value.isNil) { this.get('vibrato') } { this.set('vibrato', value) } }
	vibrato_ { |value| this.set('vibrato', value) }
	tempo { |value| ^if(value.isNil) { this.get('tempo') } { this.set('tempo', value) } }
	tempo_ { |value| this.set('tempo', value) }
	tap { this.send('tap') }
	beat { |value| ^if(value.isNil) { this.get('beat') } { this.set('beat', value) } }
	beat_ { |value| this.set('beat', value) }
	sync { |value| ^if(value.isNil) { this.get('sync') } { this.set('sync', value) } }
	sync_ { |value| this.set('sync', value) }
	grid { |value| ^if(value.isNil) { this.get('grid') } { this.set('grid', value) } }
	grid_ { |value| this.set('grid', value) }
	grid_grip { |value| ^if(value.isNil) { this.get('grid_grip') } { this.set('grid_grip', value) } }
	grid_grip_ { |value| this.set('grid_grip', value) }
	swing { |value| ^if(value.isNil) { this.get('swing') } { this.set('swing', value) } }
	swing_ { |value| this.set('swing', value) }
	density { |value| ^if(value.isNil) { this.get('density') } { this.set('density', value) } }
	density_ { |value| this.set('density', value) }
	phrase_length { |value| ^if(value.isNil) { this.get('phrase_length') } { this.set('phrase_length', value) } }
	phrase_length_ { |value| this.set('phrase_length', value) }
	temperature { |value| ^if(value.isNil) { this.get('temperature') } { this.set('temperature', value) } }
	temperature_ { |value| this.set('temperature', value) }
	top_p { |value| ^if(value.isNil) { this.get('top_p') } { this.set('top_p', value) } }
	top_p_ { |value| this.set('top_p', value) }
	novelty { |value| ^if(value.isNil) { this.get('novelty') } { this.set('novelty', value) } }
	novelty_ { |value| this.set('novelty', value) }
	loudness { |value| ^if(value.isNil) { this.get('loudness') } { this.set('loudness', value) } }
	loudness_ { |value| this.set('loudness', value) }
	timbre { |value| ^if(value.isNil) { this.get('timbre') } { this.set('timbre', value) } }
	timbre_ { |value| this.set('timbre', value) }
	timbre_x { |value| ^if(value.isNil) { this.get('timbre_x') } { this.set('timbre_x', value) } }
	timbre_x_ { |value| this.set('timbre_x', value) }
	timbre_y { |value| ^if(value.isNil) { this.get('timbre_y') } { this.set('timbre_y', value) } }
	timbre_y_ { |value| this.set('timbre_y', value) }
	store_voice { |number| this.send('store_voice', number) }
	breath { |value| ^if(value.isNil) { this.get('breath') } { this.set('breath', value) } }
	breath_ { |value| this.set('breath', value) }
	brightness { |value| ^if(value.isNil) { this.get('brightness') } { this.set('brightness', value) } }
	brightness_ { |value| this.set('brightness', value) }
	dry { |value| ^if(value.isNil) { this.get('dry') } { this.set('dry', value) } }
	dry_ { |value| this.set('dry', value) }
	voice { |value| ^if(value.isNil) { this.get('voice') } { this.set('voice', value) } }
	voice_ { |value| this.set('voice', value) }
	lowpass { |value| ^if(value.isNil) { this.get('lowpass') } { this.set('lowpass', value) } }
	lowpass_ { |value| this.set('lowpass', value) }
	highpass { |value| ^if(value.isNil) { this.get('highpass') } { this.set('highpass', value) } }
	highpass_ { |value| this.set('highpass', value) }
	resonance { |value| ^if(value.isNil) { this.get('resonance') } { this.set('resonance', value) } }
	resonance_ { |value| this.set('resonance', value) }
	send1 { |value| ^if(value.isNil) { this.get('send/1') } { this.set('send/1', value) } }
	send1_ { |value| this.set('send/1', value) }
	send2 { |value| ^if(value.isNil) { this.get('send/2') } { this.set('send/2', value) } }
	send2_ { |value| this.set('send/2', value) }
	send3 { |value| ^if(value.isNil) { this.get('send/3') } { this.set('send/3', value) } }
	send3_ { |value| this.set('send/3', value) }
	send4 { |value| ^if(value.isNil) { this.get('send/4') } { this.set('send/4', value) } }
	send4_ { |value| this.set('send/4', value) }
	send5 { |value| ^if(value.isNil) { this.get('send/5') } { this.set('send/5', value) } }
	send5_ { |value| this.set('send/5', value) }
	send6 { |value| ^if(value.isNil) { this.get('send/6') } { this.set('send/6', value) } }
	send6_ { |value| this.set('send/6', value) }
	send7 { |value| ^if(value.isNil) { this.get('send/7') } { this.set('send/7', value) } }
	send7_ { |value| this.set('send/7', value) }
	send8 { |value| ^if(value.isNil) { this.get('send/8') } { this.set('send/8', value) } }
	send8_ { |value| this.set('send/8', value) }
	master { |value| ^if(value.isNil) { this.get('master') } { this.set('master', value) } }
	master_ { |value| this.set('master', value) }
	mute { |value| ^if(value.isNil) { this.get('mute') } { this.set('mute', value) } }
	mute_ { |value| this.set('mute', value) }
	preset { |text| this.send('preset', text) }
	preset_ { |text| this.send('preset', text) }
	morph_s { |value| ^if(value.isNil) { this.get('morph_s') } { this.set('morph_s', value) } }
	morph_s_ { |value| this.set('morph_s', value) }
	ask { |text| this.send('ask', text) }
	ask_ { |text| this.send('ask', text) }
	takestart { this.send('take/start') }
	takestop { this.send('take/stop') }
	takename { |text| this.send('take/name', text) }
	takename_ { |text| this.send('take/name', text) }
	midi_learn { |text| this.send('midi_learn', text) }
	midi_learn_ { |text| this.send('midi_learn', text) }
	midi_notes { |value| ^if(value.isNil) { this.get('midi_notes') } { this.set('midi_notes', value) } }
	midi_notes_ { |value| this.set('midi_notes', value) }
}
