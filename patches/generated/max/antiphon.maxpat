{
 "patcher": {
  "fileversion": 1,
  "appversion": {
   "major": 8,
   "minor": 5,
   "revision": 5,
   "architecture": "x64",
   "modernui": 1
  },
  "classnamespace": "box",
  "rect": [
   60.0,
   80.0,
   1400.0,
   900.0
  ],
  "boxes": [
   {
    "box": {
     "id": "obj-1",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      20.0,
      10.0,
      900.0,
      22.0
     ],
     "text": "Antiphon. Start it with: antiphon play. It listens on 9000, this patcher on 9001; made by antiphon params --clients"
    }
   },
   {
    "box": {
     "id": "obj-2",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      20.0,
      40.0,
      110.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "r antiphon-to"
    }
   },
   {
    "box": {
     "id": "obj-3",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      20.0,
      70.0,
      180.0,
      22.0
     ],
     "text": "udpsend 127.0.0.1 9000"
    }
   },
   {
    "box": {
     "id": "obj-4",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      260.0,
      40.0,
      130.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "udpreceive 9001"
    }
   },
   {
    "box": {
     "id": "obj-5",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 3,
     "patching_rect": [
      260.0,
      70.0,
      250.0,
      22.0
     ],
     "outlettype": [
      "",
      "",
      ""
     ],
     "text": "route /antiphon/error /antiphon/status"
    }
   },
   {
    "box": {
     "id": "obj-6",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      260.0,
      130.0,
      120.0,
      22.0
     ],
     "text": "print antiphon-error"
    }
   },
   {
    "box": {
     "id": "obj-7",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      390.0,
      130.0,
      120.0,
      22.0
     ],
     "text": "print antiphon-status"
    }
   },
   {
    "box": {
     "id": "obj-8",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      520.0,
      130.0,
      120.0,
      22.0
     ],
     "text": "s antiphon-from"
    }
   },
   {
    "box": {
     "id": "obj-9",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      700.0,
      40.0,
      70.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "loadbang"
    }
   },
   {
    "box": {
     "id": "obj-10",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      700.0,
      70.0,
      300.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "/antiphon/reply_to 9001, /antiphon/subscribe echo 20 3600"
    }
   },
   {
    "box": {
     "id": "obj-11",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      700.0,
      130.0,
      110.0,
      22.0
     ],
     "text": "s antiphon-to"
    }
   },
   {
    "box": {
     "id": "obj-12",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      1020.0,
      40.0,
      175.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "/antiphon/subscribe meters 20"
    }
   },
   {
    "box": {
     "id": "obj-13",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      1200.0,
      40.0,
      175.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "/antiphon/subscribe pitch 20"
    }
   },
   {
    "box": {
     "id": "obj-14",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      1380.0,
      40.0,
      175.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "/antiphon/subscribe notes 20"
    }
   },
   {
    "box": {
     "id": "obj-15",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      1020.0,
      70.0,
      175.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "/antiphon/subscribe heard 5"
    }
   },
   {
    "box": {
     "id": "obj-16",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      1200.0,
      70.0,
      175.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "/antiphon/subscribe latency 1"
    }
   },
   {
    "box": {
     "id": "obj-17",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      1380.0,
      70.0,
      175.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "/antiphon/subscribe guard 2"
    }
   },
   {
    "box": {
     "id": "obj-18",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      1020.0,
      100.0,
      175.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "/antiphon/subscribe attribution 1"
    }
   },
   {
    "box": {
     "id": "obj-19",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      1200.0,
      100.0,
      175.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "/antiphon/subscribe recording 2"
    }
   },
   {
    "box": {
     "id": "obj-20",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      1380.0,
      100.0,
      175.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "/antiphon/subscribe health 1"
    }
   },
   {
    "box": {
     "id": "obj-21",
     "maxclass": "panel",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      20.0,
      170.0,
      600.0,
      1578.0
     ],
     "background": 1,
     "bgcolor": [
      0.9,
      0.9,
      0.9,
      1.0
     ],
     "mode": 0
    }
   },
   {
    "box": {
     "id": "obj-22",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      178.0,
      200.0,
      22.0
     ],
     "text": "performance",
     "fontface": 1,
     "fontsize": 14.0
    }
   },
   {
    "box": {
     "id": "obj-23",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      240.0,
      178.0,
      110.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "r antiphon-from"
    }
   },
   {
    "box": {
     "id": "obj-24",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 27,
     "patching_rect": [
      360.0,
      178.0,
      240.0,
      22.0
     ],
     "outlettype": [
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      ""
     ],
     "text": "route /antiphon/echo/mode /antiphon/echo/trigger /antiphon/echo/hold /antiphon/echo/panic /antiphon/echo/regenerate /antiphon/echo/keep /antiphon/echo/recall /antiphon/echo/recall_as /antiphon/echo/freeze /antiphon/echo/play_note /antiphon/echo/answer_s /antiphon/echo/phrase_gap_s /antiphon/echo/phrase_margin /antiphon/echo/yield /antiphon/echo/yield_margin /antiphon/echo/seed /antiphon/echo/guard_notes /antiphon/echo/guard_intervals /antiphon/echo/preset /antiphon/echo/morph_s /antiphon/echo/ask /antiphon/echo/take/start /antiphon/echo/take/stop /antiphon/echo/take/name /antiphon/echo/midi_learn /antiphon/echo/midi_notes"
    }
   },
   {
    "box": {
     "id": "obj-25",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      490.0,
      1720.0,
      110.0,
      22.0
     ],
     "text": "s antiphon-to"
    }
   },
   {
    "box": {
     "id": "obj-26",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      210.0,
      130.0,
      22.0
     ],
     "text": "mode"
    }
   },
   {
    "box": {
     "id": "obj-27",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      232.0,
      570.0,
      32.0
     ],
     "text": "listen: hear and stay silent. answer: carry a phrase on when it ends. hold: go on until told (listen, answer, hold; answer at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-28",
     "maxclass": "umenu",
     "numinlets": 1,
     "numoutlets": 3,
     "patching_rect": [
      165.0,
      210.0,
      135.0,
      22.0
     ],
     "outlettype": [
      "int",
      "",
      ""
     ],
     "items": [
      "listen",
      ",",
      "answer",
      ",",
      "hold"
     ],
     "parameter_enable": 0
    }
   },
   {
    "box": {
     "id": "obj-29",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      380.0,
      210.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/mode"
    }
   },
   {
    "box": {
     "id": "obj-30",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      310.0,
      210.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend setsymbol"
    }
   },
   {
    "box": {
     "id": "obj-31",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      268.0,
      130.0,
      22.0
     ],
     "text": "trigger"
    }
   },
   {
    "box": {
     "id": "obj-32",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      290.0,
      570.0,
      32.0
     ],
     "text": "Begin an answer at the next step; during an answer, begin it anew",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-33",
     "maxclass": "button",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      165.0,
      268.0,
      24.0,
      24.0
     ],
     "outlettype": [
      "bang"
     ],
     "parameter_enable": 0
    }
   },
   {
    "box": {
     "id": "obj-34",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      380.0,
      268.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "/antiphon/trigger"
    }
   },
   {
    "box": {
     "id": "obj-35",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      326.0,
      130.0,
      22.0
     ],
     "text": "hold"
    }
   },
   {
    "box": {
     "id": "obj-36",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      348.0,
      570.0,
      32.0
     ],
     "text": "While on, an answer goes on as in mode hold; off, the mode counts again (on, off; off at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-37",
     "maxclass": "toggle",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      165.0,
      326.0,
      24.0,
      24.0
     ],
     "outlettype": [
      "int"
     ],
     "parameter_enable": 0
    }
   },
   {
    "box": {
     "id": "obj-38",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      380.0,
      326.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/hold"
    }
   },
   {
    "box": {
     "id": "obj-39",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      310.0,
      326.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-40",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      384.0,
      130.0,
      22.0
     ],
     "text": "panic"
    }
   },
   {
    "box": {
     "id": "obj-41",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      406.0,
      570.0,
      32.0
     ],
     "text": "Silence at once, and forget what was heard",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-42",
     "maxclass": "button",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      165.0,
      384.0,
      24.0,
      24.0
     ],
     "outlettype": [
      "bang"
     ],
     "parameter_enable": 0
    }
   },
   {
    "box": {
     "id": "obj-43",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      380.0,
      384.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "/antiphon/panic"
    }
   },
   {
    "box": {
     "id": "obj-44",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      442.0,
      130.0,
      22.0
     ],
     "text": "regenerate"
    }
   },
   {
    "box": {
     "id": "obj-45",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      464.0,
      570.0,
      32.0
     ],
     "text": "Play the last answer again with other chances, from where it began",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-46",
     "maxclass": "button",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      165.0,
      442.0,
      24.0,
      24.0
     ],
     "outlettype": [
      "bang"
     ],
     "parameter_enable": 0
    }
   },
   {
    "box": {
     "id": "obj-47",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      380.0,
      442.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "/antiphon/regenerate"
    }
   },
   {
    "box": {
     "id": "obj-48",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      500.0,
      130.0,
      22.0
     ],
     "text": "keep"
    }
   },
   {
    "box": {
     "id": "obj-49",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      522.0,
      570.0,
      32.0
     ],
     "text": "Keep the answer that sounds or sounded last, or the phrase where it was not answered, in a slot (1 .. 8)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-50",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      165.0,
      500.0,
      22.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "1"
    }
   },
   {
    "box": {
     "id": "obj-51",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      190.0,
      500.0,
      22.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "2"
    }
   },
   {
    "box": {
     "id": "obj-52",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      215.0,
      500.0,
      22.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "3"
    }
   },
   {
    "box": {
     "id": "obj-53",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      240.0,
      500.0,
      22.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "4"
    }
   },
   {
    "box": {
     "id": "obj-54",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      265.0,
      500.0,
      22.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "5"
    }
   },
   {
    "box": {
     "id": "obj-55",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      290.0,
      500.0,
      22.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "6"
    }
   },
   {
    "box": {
     "id": "obj-56",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      315.0,
      500.0,
      22.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "7"
    }
   },
   {
    "box": {
     "id": "obj-57",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      340.0,
      500.0,
      22.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "8"
    }
   },
   {
    "box": {
     "id": "obj-58",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      380.0,
      500.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/keep"
    }
   },
   {
    "box": {
     "id": "obj-59",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      558.0,
      130.0,
      22.0
     ],
     "text": "recall"
    }
   },
   {
    "box": {
     "id": "obj-60",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      580.0,
      570.0,
      32.0
     ],
     "text": "Play what a slot keeps, as recall_as says (1 .. 8)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-61",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      165.0,
      558.0,
      22.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "1"
    }
   },
   {
    "box": {
     "id": "obj-62",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      190.0,
      558.0,
      22.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "2"
    }
   },
   {
    "box": {
     "id": "obj-63",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      215.0,
      558.0,
      22.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "3"
    }
   },
   {
    "box": {
     "id": "obj-64",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      240.0,
      558.0,
      22.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "4"
    }
   },
   {
    "box": {
     "id": "obj-65",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      265.0,
      558.0,
      22.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "5"
    }
   },
   {
    "box": {
     "id": "obj-66",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      290.0,
      558.0,
      22.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "6"
    }
   },
   {
    "box": {
     "id": "obj-67",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      315.0,
      558.0,
      22.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "7"
    }
   },
   {
    "box": {
     "id": "obj-68",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      340.0,
      558.0,
      22.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "8"
    }
   },
   {
    "box": {
     "id": "obj-69",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      380.0,
      558.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/recall"
    }
   },
   {
    "box": {
     "id": "obj-70",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      616.0,
      130.0,
      22.0
     ],
     "text": "recall_as"
    }
   },
   {
    "box": {
     "id": "obj-71",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      638.0,
      570.0,
      32.0
     ],
     "text": "loop: again and again. once: to its end. continue: take it for the performer's phrase, and answer it (loop, once, continue; loop at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-72",
     "maxclass": "umenu",
     "numinlets": 1,
     "numoutlets": 3,
     "patching_rect": [
      165.0,
      616.0,
      135.0,
      22.0
     ],
     "outlettype": [
      "int",
      "",
      ""
     ],
     "items": [
      "loop",
      ",",
      "once",
      ",",
      "continue"
     ],
     "parameter_enable": 0
    }
   },
   {
    "box": {
     "id": "obj-73",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      380.0,
      616.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/recall_as"
    }
   },
   {
    "box": {
     "id": "obj-74",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      310.0,
      616.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend setsymbol"
    }
   },
   {
    "box": {
     "id": "obj-75",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      674.0,
      130.0,
      22.0
     ],
     "text": "freeze"
    }
   },
   {
    "box": {
     "id": "obj-76",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      696.0,
      570.0,
      32.0
     ],
     "text": "Hold the note that sounds, or sounded last, until off; nothing new begins meanwhile (on, off; off at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-77",
     "maxclass": "toggle",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      165.0,
      674.0,
      24.0,
      24.0
     ],
     "outlettype": [
      "int"
     ],
     "parameter_enable": 0
    }
   },
   {
    "box": {
     "id": "obj-78",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      380.0,
      674.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/freeze"
    }
   },
   {
    "box": {
     "id": "obj-79",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      310.0,
      674.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-80",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      732.0,
      130.0,
      22.0
     ],
     "text": "play_note"
    }
   },
   {
    "box": {
     "id": "obj-81",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      754.0,
      570.0,
      32.0
     ],
     "text": "Begin the answer's next note at once, on this pitch (a MIDI number); none sounds where there is no answer (1 .. 127)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-82",
     "maxclass": "number",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      165.0,
      732.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "int",
      "bang"
     ],
     "minimum": 1,
     "maximum": 127,
     "parameter_enable": 0
    }
   },
   {
    "box": {
     "id": "obj-83",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      380.0,
      732.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/play_note"
    }
   },
   {
    "box": {
     "id": "obj-84",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      790.0,
      130.0,
      22.0
     ],
     "text": "answer_s"
    }
   },
   {
    "box": {
     "id": "obj-85",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      812.0,
      570.0,
      32.0
     ],
     "text": "How long an answer lasts in mode answer (0.5 .. 600 s; 8 s at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-86",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      165.0,
      790.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": 0.5,
     "maximum": 600.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-87",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      380.0,
      790.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/answer_s"
    }
   },
   {
    "box": {
     "id": "obj-88",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      310.0,
      790.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-89",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      848.0,
      130.0,
      22.0
     ],
     "text": "phrase_gap_s"
    }
   },
   {
    "box": {
     "id": "obj-90",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      870.0,
      570.0,
      32.0
     ],
     "text": "How long a silence ends the performer's phrase (0.1 .. 5 s; 0.6 s at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-91",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      165.0,
      848.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": 0.1,
     "maximum": 5.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-92",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      380.0,
      848.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/phrase_gap_s"
    }
   },
   {
    "box": {
     "id": "obj-93",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      310.0,
      848.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-94",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      906.0,
      130.0,
      22.0
     ],
     "text": "phrase_margin"
    }
   },
   {
    "box": {
     "id": "obj-95",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      928.0,
      570.0,
      32.0
     ],
     "text": "How far above the room's noise the performer must be to be heard (3 .. 40 dB; 10 dB at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-96",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      165.0,
      906.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": 3.0,
     "maximum": 40.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-97",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      380.0,
      906.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/phrase_margin"
    }
   },
   {
    "box": {
     "id": "obj-98",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      310.0,
      906.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-99",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      964.0,
      130.0,
      22.0
     ],
     "text": "yield"
    }
   },
   {
    "box": {
     "id": "obj-100",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      986.0,
      570.0,
      32.0
     ],
     "text": "Fall silent within one step when the performer begins again (on, off; on at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-101",
     "maxclass": "toggle",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      165.0,
      964.0,
      24.0,
      24.0
     ],
     "outlettype": [
      "int"
     ],
     "parameter_enable": 0
    }
   },
   {
    "box": {
     "id": "obj-102",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      380.0,
      964.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/yield"
    }
   },
   {
    "box": {
     "id": "obj-103",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      310.0,
      964.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-104",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      1022.0,
      130.0,
      22.0
     ],
     "text": "yield_margin"
    }
   },
   {
    "box": {
     "id": "obj-105",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      1044.0,
      570.0,
      32.0
     ],
     "text": "How far above its own voice in the microphone the performer must be for it to yield (0 .. 40 dB; 6 dB at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-106",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      165.0,
      1022.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": 0.0,
     "maximum": 40.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-107",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      380.0,
      1022.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/yield_margin"
    }
   },
   {
    "box": {
     "id": "obj-108",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      310.0,
      1022.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-109",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      1080.0,
      130.0,
      22.0
     ],
     "text": "seed"
    }
   },
   {
    "box": {
     "id": "obj-110",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      1102.0,
      570.0,
      32.0
     ],
     "text": "Where the chances of the next answer start: the same seed and sound give the same answer (0 .. 2147483647; 1 at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-111",
     "maxclass": "number",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      165.0,
      1080.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "int",
      "bang"
     ],
     "minimum": 0,
     "maximum": 2147483647,
     "parameter_enable": 0
    }
   },
   {
    "box": {
     "id": "obj-112",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      380.0,
      1080.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/seed"
    }
   },
   {
    "box": {
     "id": "obj-113",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      310.0,
      1080.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-114",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      1138.0,
      130.0,
      22.0
     ],
     "text": "guard_notes"
    }
   },
   {
    "box": {
     "id": "obj-115",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      1160.0,
      570.0,
      32.0
     ],
     "text": "Notes in a row, in their rhythm, that no answer plays of a melody the model learned from or of a guarded work (4 .. 32 notes, or off; 8 notes at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-116",
     "maxclass": "number",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      165.0,
      1138.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "int",
      "bang"
     ],
     "minimum": 0,
     "maximum": 32,
     "parameter_enable": 0
    }
   },
   {
    "box": {
     "id": "obj-117",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      240.0,
      1138.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "off"
    }
   },
   {
    "box": {
     "id": "obj-118",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      380.0,
      1138.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/guard_notes"
    }
   },
   {
    "box": {
     "id": "obj-119",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      310.0,
      1138.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-120",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      1196.0,
      130.0,
      22.0
     ],
     "text": "guard_intervals"
    }
   },
   {
    "box": {
     "id": "obj-121",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      1218.0,
      570.0,
      32.0
     ],
     "text": "Intervals in a row, in whatever rhythm, that no answer plays of such a melody (4 .. 64 intervals, or off; 12 intervals at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-122",
     "maxclass": "number",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      165.0,
      1196.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "int",
      "bang"
     ],
     "minimum": 0,
     "maximum": 64,
     "parameter_enable": 0
    }
   },
   {
    "box": {
     "id": "obj-123",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      240.0,
      1196.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "off"
    }
   },
   {
    "box": {
     "id": "obj-124",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      380.0,
      1196.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/guard_intervals"
    }
   },
   {
    "box": {
     "id": "obj-125",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      310.0,
      1196.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-126",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      1254.0,
      130.0,
      22.0
     ],
     "text": "preset"
    }
   },
   {
    "box": {
     "id": "obj-127",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      1276.0,
      570.0,
      32.0
     ],
     "text": "Take the values of a preset, by name or file, over morph_s seconds",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-128",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      165.0,
      1254.0,
      135.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "duet"
    }
   },
   {
    "box": {
     "id": "obj-129",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      380.0,
      1254.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/preset"
    }
   },
   {
    "box": {
     "id": "obj-130",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      1312.0,
      130.0,
      22.0
     ],
     "text": "morph_s"
    }
   },
   {
    "box": {
     "id": "obj-131",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      1334.0,
      570.0,
      32.0
     ],
     "text": "How long the way to a preset takes; what cannot lie between two values changes at once (0 .. 60 s; 0 s at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-132",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      165.0,
      1312.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": 0.0,
     "maximum": 60.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-133",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      380.0,
      1312.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/morph_s"
    }
   },
   {
    "box": {
     "id": "obj-134",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      310.0,
      1312.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-135",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      1370.0,
      130.0,
      22.0
     ],
     "text": "ask"
    }
   },
   {
    "box": {
     "id": "obj-136",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      1392.0,
      570.0,
      32.0
     ],
     "text": "Ask in words for what the rows can do: slow, dark, sparse, C minor, 80 bpm, breathy",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-137",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      165.0,
      1370.0,
      135.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "\"slow dark\""
    }
   },
   {
    "box": {
     "id": "obj-138",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      380.0,
      1370.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/ask"
    }
   },
   {
    "box": {
     "id": "obj-139",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      1428.0,
      130.0,
      22.0
     ],
     "text": "take/start"
    }
   },
   {
    "box": {
     "id": "obj-140",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      1450.0,
      570.0,
      32.0
     ],
     "text": "Record a take: your sound, the voice, the mix, every event, and the proof of how it was made",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-141",
     "maxclass": "button",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      165.0,
      1428.0,
      24.0,
      24.0
     ],
     "outlettype": [
      "bang"
     ],
     "parameter_enable": 0
    }
   },
   {
    "box": {
     "id": "obj-142",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      380.0,
      1428.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "/antiphon/take/start"
    }
   },
   {
    "box": {
     "id": "obj-143",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      1486.0,
      130.0,
      22.0
     ],
     "text": "take/stop"
    }
   },
   {
    "box": {
     "id": "obj-144",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      1508.0,
      570.0,
      32.0
     ],
     "text": "End the take; it is written to its end and signed",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-145",
     "maxclass": "button",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      165.0,
      1486.0,
      24.0,
      24.0
     ],
     "outlettype": [
      "bang"
     ],
     "parameter_enable": 0
    }
   },
   {
    "box": {
     "id": "obj-146",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      380.0,
      1486.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "/antiphon/take/stop"
    }
   },
   {
    "box": {
     "id": "obj-147",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      1544.0,
      130.0,
      22.0
     ],
     "text": "take/name"
    }
   },
   {
    "box": {
     "id": "obj-148",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      1566.0,
      570.0,
      32.0
     ],
     "text": "What the takes to come are called, in the folder where takes lie; date and time without it",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-149",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      165.0,
      1544.0,
      135.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "duet"
    }
   },
   {
    "box": {
     "id": "obj-150",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      380.0,
      1544.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/take/name"
    }
   },
   {
    "box": {
     "id": "obj-151",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      1602.0,
      130.0,
      22.0
     ],
     "text": "midi_learn"
    }
   },
   {
    "box": {
     "id": "obj-152",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      1624.0,
      570.0,
      32.0
     ],
     "text": "Let the next controller, key or pad that is moved steer this row, or row=value; off: no more",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-153",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      165.0,
      1602.0,
      135.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "duet"
    }
   },
   {
    "box": {
     "id": "obj-154",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      380.0,
      1602.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/midi_learn"
    }
   },
   {
    "box": {
     "id": "obj-155",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      1660.0,
      130.0,
      22.0
     ],
     "text": "midi_notes"
    }
   },
   {
    "box": {
     "id": "obj-156",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      30.0,
      1682.0,
      570.0,
      32.0
     ],
     "text": "What notes of a MIDI keyboard do: hold a chord to keep to, or play the answer's next note (chord, note, off; chord at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-157",
     "maxclass": "umenu",
     "numinlets": 1,
     "numoutlets": 3,
     "patching_rect": [
      165.0,
      1660.0,
      135.0,
      22.0
     ],
     "outlettype": [
      "int",
      "",
      ""
     ],
     "items": [
      "chord",
      ",",
      "note",
      ",",
      "off"
     ],
     "parameter_enable": 0
    }
   },
   {
    "box": {
     "id": "obj-158",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      380.0,
      1660.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/midi_notes"
    }
   },
   {
    "box": {
     "id": "obj-159",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      310.0,
      1660.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend setsymbol"
    }
   },
   {
    "box": {
     "id": "obj-160",
     "maxclass": "panel",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      640.0,
      170.0,
      600.0,
      824.0
     ],
     "background": 1,
     "bgcolor": [
      0.9,
      0.9,
      0.9,
      1.0
     ],
     "mode": 0
    }
   },
   {
    "box": {
     "id": "obj-161",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      650.0,
      178.0,
      200.0,
      22.0
     ],
     "text": "pitch",
     "fontface": 1,
     "fontsize": 14.0
    }
   },
   {
    "box": {
     "id": "obj-162",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      860.0,
      178.0,
      110.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "r antiphon-from"
    }
   },
   {
    "box": {
     "id": "obj-163",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 14,
     "patching_rect": [
      980.0,
      178.0,
      240.0,
      22.0
     ],
     "outlettype": [
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      ""
     ],
     "text": "route /antiphon/echo/key /antiphon/echo/scale /antiphon/echo/scale_cents /antiphon/echo/scale_grip /antiphon/echo/chord /antiphon/echo/chord_grip /antiphon/echo/register_low /antiphon/echo/register_high /antiphon/echo/register_grip /antiphon/echo/transpose /antiphon/echo/tune_to /antiphon/echo/glide /antiphon/echo/vibrato"
    }
   },
   {
    "box": {
     "id": "obj-164",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1110.0,
      966.0,
      110.0,
      22.0
     ],
     "text": "s antiphon-to"
    }
   },
   {
    "box": {
     "id": "obj-165",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      650.0,
      210.0,
      130.0,
      22.0
     ],
     "text": "key"
    }
   },
   {
    "box": {
     "id": "obj-166",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      650.0,
      232.0,
      570.0,
      32.0
     ],
     "text": "Tonic of the answer; performer: as heard (performer, c, c#, d, eb, e, f, f#, g, ab, a, bb, b; performer at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-167",
     "maxclass": "umenu",
     "numinlets": 1,
     "numoutlets": 3,
     "patching_rect": [
      785.0,
      210.0,
      135.0,
      22.0
     ],
     "outlettype": [
      "int",
      "",
      ""
     ],
     "items": [
      "performer",
      ",",
      "c",
      ",",
      "c#",
      ",",
      "d",
      ",",
      "eb",
      ",",
      "e",
      ",",
      "f",
      ",",
      "f#",
      ",",
      "g",
      ",",
      "ab",
      ",",
      "a",
      ",",
      "bb",
      ",",
      "b"
     ],
     "parameter_enable": 0
    }
   },
   {
    "box": {
     "id": "obj-168",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      1000.0,
      210.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/key"
    }
   },
   {
    "box": {
     "id": "obj-169",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      930.0,
      210.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend setsymbol"
    }
   },
   {
    "box": {
     "id": "obj-170",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      650.0,
      268.0,
      130.0,
      22.0
     ],
     "text": "scale"
    }
   },
   {
    "box": {
     "id": "obj-171",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      650.0,
      290.0,
      570.0,
      32.0
     ],
     "text": "Scale of the answer, in its own tuning; performer: as heard. cents: as scale_cents says (performer, major, minor, harmonic-minor, melodic-minor, dorian, phrygian, lydian, mixolydian, locrian, pentatonic, minor-pentatonic, blues, whole-tone, octatonic, chromatic, rast, bayati, hijaz, saba, bhairav, yaman, pelog, slendro, cents; performer at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-172",
     "maxclass": "umenu",
     "numinlets": 1,
     "numoutlets": 3,
     "patching_rect": [
      785.0,
      268.0,
      135.0,
      22.0
     ],
     "outlettype": [
      "int",
      "",
      ""
     ],
     "items": [
      "performer",
      ",",
      "major",
      ",",
      "minor",
      ",",
      "harmonic-minor",
      ",",
      "melodic-minor",
      ",",
      "dorian",
      ",",
      "phrygian",
      ",",
      "lydian",
      ",",
      "mixolydian",
      ",",
      "locrian",
      ",",
      "pentatonic",
      ",",
      "minor-pentatonic",
      ",",
      "blues",
      ",",
      "whole-tone",
      ",",
      "octatonic",
      ",",
      "chromatic",
      ",",
      "rast",
      ",",
      "bayati",
      ",",
      "hijaz",
      ",",
      "saba",
      ",",
      "bhairav",
      ",",
      "yaman",
      ",",
      "pelog",
      ",",
      "slendro",
      ",",
      "cents"
     ],
     "parameter_enable": 0
    }
   },
   {
    "box": {
     "id": "obj-173",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      1000.0,
      268.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/scale"
    }
   },
   {
    "box": {
     "id": "obj-174",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      930.0,
      268.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend setsymbol"
    }
   },
   {
    "box": {
     "id": "obj-175",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      650.0,
      326.0,
      130.0,
      22.0
     ],
     "text": "scale_cents"
    }
   },
   {
    "box": {
     "id": "obj-176",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      650.0,
      348.0,
      570.0,
      32.0
     ],
     "text": "Steps of a scale of your own above its tonic, for scale cents (up to 12 of 0 .. 1199.5 cents, or none; none at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-177",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      785.0,
      326.0,
      135.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "0 200 350 500 700 900 1050"
    }
   },
   {
    "box": {
     "id": "obj-178",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      785.0,
      348.0,
      40.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "none"
    }
   },
   {
    "box": {
     "id": "obj-179",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      1000.0,
      326.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/scale_cents"
    }
   },
   {
    "box": {
     "id": "obj-180",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      650.0,
      384.0,
      130.0,
      22.0
     ],
     "text": "scale_grip"
    }
   },
   {
    "box": {
     "id": "obj-181",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      650.0,
      406.0,
      570.0,
      32.0
     ],
     "text": "How firmly the answer keeps to the scale: 0 free, 1 its notes only (0 .. 1; 0.5 at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-182",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      785.0,
      384.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": 0.0,
     "maximum": 1.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-183",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      1000.0,
      384.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/scale_grip"
    }
   },
   {
    "box": {
     "id": "obj-184",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      930.0,
      384.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-185",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      650.0,
      442.0,
      130.0,
      22.0
     ],
     "text": "chord"
    }
   },
   {
    "box": {
     "id": "obj-186",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      650.0,
      464.0,
      570.0,
      32.0
     ],
     "text": "Notes of a chord that the answer keeps to, in any octave (MIDI numbers or names); none: no chord (up to 12 of 0 .. 127 note, or none; none at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-187",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      785.0,
      442.0,
      135.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "60 64 67"
    }
   },
   {
    "box": {
     "id": "obj-188",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      785.0,
      464.0,
      40.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "none"
    }
   },
   {
    "box": {
     "id": "obj-189",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      1000.0,
      442.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/chord"
    }
   },
   {
    "box": {
     "id": "obj-190",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      650.0,
      500.0,
      130.0,
      22.0
     ],
     "text": "chord_grip"
    }
   },
   {
    "box": {
     "id": "obj-191",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      650.0,
      522.0,
      570.0,
      32.0
     ],
     "text": "How firmly it keeps to the chord: 0 not at all, 1 its notes only (0 .. 1; 1 at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-192",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      785.0,
      500.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": 0.0,
     "maximum": 1.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-193",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      1000.0,
      500.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/chord_grip"
    }
   },
   {
    "box": {
     "id": "obj-194",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      930.0,
      500.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-195",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      650.0,
      558.0,
      130.0,
      22.0
     ],
     "text": "register_low"
    }
   },
   {
    "box": {
     "id": "obj-196",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      650.0,
      580.0,
      570.0,
      32.0
     ],
     "text": "Lowest pitch of the answer (a MIDI number) (0 .. 127 note; 0 note at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-197",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      785.0,
      558.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": 0.0,
     "maximum": 127.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-198",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      1000.0,
      558.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/register_low"
    }
   },
   {
    "box": {
     "id": "obj-199",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      930.0,
      558.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-200",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      650.0,
      616.0,
      130.0,
      22.0
     ],
     "text": "register_high"
    }
   },
   {
    "box": {
     "id": "obj-201",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      650.0,
      638.0,
      570.0,
      32.0
     ],
     "text": "Highest pitch of the answer (a MIDI number) (0 .. 127 note; 127 note at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-202",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      785.0,
      616.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": 0.0,
     "maximum": 127.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-203",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      1000.0,
      616.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/register_high"
    }
   },
   {
    "box": {
     "id": "obj-204",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      930.0,
      616.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-205",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      650.0,
      674.0,
      130.0,
      22.0
     ],
     "text": "register_grip"
    }
   },
   {
    "box": {
     "id": "obj-206",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      650.0,
      696.0,
      570.0,
      32.0
     ],
     "text": "How firmly the answer stays in the performer's register: 0 free, 1 held fast (0 .. 1; 0.5 at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-207",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      785.0,
      674.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": 0.0,
     "maximum": 1.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-208",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      1000.0,
      674.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/register_grip"
    }
   },
   {
    "box": {
     "id": "obj-209",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      930.0,
      674.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-210",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      650.0,
      732.0,
      130.0,
      22.0
     ],
     "text": "transpose"
    }
   },
   {
    "box": {
     "id": "obj-211",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      650.0,
      754.0,
      570.0,
      32.0
     ],
     "text": "How far from the performer's register the answer is sung (-24 .. 24 semitones; 0 semitones at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-212",
     "maxclass": "number",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      785.0,
      732.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "int",
      "bang"
     ],
     "minimum": -24,
     "maximum": 24,
     "parameter_enable": 0
    }
   },
   {
    "box": {
     "id": "obj-213",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      1000.0,
      732.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/transpose"
    }
   },
   {
    "box": {
     "id": "obj-214",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      930.0,
      732.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-215",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      650.0,
      790.0,
      130.0,
      22.0
     ],
     "text": "tune_to"
    }
   },
   {
    "box": {
     "id": "obj-216",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      650.0,
      812.0,
      570.0,
      32.0
     ],
     "text": "performer: their tuning, and their shade of each step. 440: concert pitch. off: as far out of tune as they were (performer, 440, off; performer at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-217",
     "maxclass": "umenu",
     "numinlets": 1,
     "numoutlets": 3,
     "patching_rect": [
      785.0,
      790.0,
      135.0,
      22.0
     ],
     "outlettype": [
      "int",
      "",
      ""
     ],
     "items": [
      "performer",
      ",",
      "440",
      ",",
      "off"
     ],
     "parameter_enable": 0
    }
   },
   {
    "box": {
     "id": "obj-218",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      1000.0,
      790.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/tune_to"
    }
   },
   {
    "box": {
     "id": "obj-219",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      930.0,
      790.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend setsymbol"
    }
   },
   {
    "box": {
     "id": "obj-220",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      650.0,
      848.0,
      130.0,
      22.0
     ],
     "text": "glide"
    }
   },
   {
    "box": {
     "id": "obj-221",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      650.0,
      870.0,
      570.0,
      32.0
     ],
     "text": "How much a note slides to where it goes: 0 not at all, 1 as they did, 2 twice as far (0 .. 2; 1 at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-222",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      785.0,
      848.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": 0.0,
     "maximum": 2.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-223",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      1000.0,
      848.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/glide"
    }
   },
   {
    "box": {
     "id": "obj-224",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      930.0,
      848.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-225",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      650.0,
      906.0,
      130.0,
      22.0
     ],
     "text": "vibrato"
    }
   },
   {
    "box": {
     "id": "obj-226",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      650.0,
      928.0,
      570.0,
      32.0
     ],
     "text": "Depth of vibrato: 0 none, 1 as theirs, 3 three times as deep (0 .. 3; 1 at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-227",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      785.0,
      906.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": 0.0,
     "maximum": 3.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-228",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      1000.0,
      906.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/vibrato"
    }
   },
   {
    "box": {
     "id": "obj-229",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      930.0,
      906.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-230",
     "maxclass": "panel",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1260.0,
      170.0,
      600.0,
      592.0
     ],
     "background": 1,
     "bgcolor": [
      0.9,
      0.9,
      0.9,
      1.0
     ],
     "mode": 0
    }
   },
   {
    "box": {
     "id": "obj-231",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1270.0,
      178.0,
      200.0,
      22.0
     ],
     "text": "time",
     "fontface": 1,
     "fontsize": 14.0
    }
   },
   {
    "box": {
     "id": "obj-232",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      1480.0,
      178.0,
      110.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "r antiphon-from"
    }
   },
   {
    "box": {
     "id": "obj-233",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 10,
     "patching_rect": [
      1600.0,
      178.0,
      240.0,
      22.0
     ],
     "outlettype": [
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      ""
     ],
     "text": "route /antiphon/echo/tempo /antiphon/echo/tap /antiphon/echo/beat /antiphon/echo/sync /antiphon/echo/grid /antiphon/echo/grid_grip /antiphon/echo/swing /antiphon/echo/density /antiphon/echo/phrase_length"
    }
   },
   {
    "box": {
     "id": "obj-234",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1730.0,
      734.0,
      110.0,
      22.0
     ],
     "text": "s antiphon-to"
    }
   },
   {
    "box": {
     "id": "obj-235",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1270.0,
      210.0,
      130.0,
      22.0
     ],
     "text": "tempo"
    }
   },
   {
    "box": {
     "id": "obj-236",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1270.0,
      232.0,
      570.0,
      32.0
     ],
     "text": "Tempo of the answer; performer: the one they are in. A clock that is followed sets it (sync) (20 .. 300 bpm, or performer; performer at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-237",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      1405.0,
      210.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": 0.0,
     "maximum": 300.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-238",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      1480.0,
      210.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "performer"
    }
   },
   {
    "box": {
     "id": "obj-239",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      1620.0,
      210.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/tempo"
    }
   },
   {
    "box": {
     "id": "obj-240",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      1550.0,
      210.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-241",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1270.0,
      268.0,
      130.0,
      22.0
     ],
     "text": "tap"
    }
   },
   {
    "box": {
     "id": "obj-242",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1270.0,
      290.0,
      570.0,
      32.0
     ],
     "text": "A beat is now: two taps set the tempo, each sets where the beat falls",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-243",
     "maxclass": "button",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      1405.0,
      268.0,
      24.0,
      24.0
     ],
     "outlettype": [
      "bang"
     ],
     "parameter_enable": 0
    }
   },
   {
    "box": {
     "id": "obj-244",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      1620.0,
      268.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "/antiphon/tap"
    }
   },
   {
    "box": {
     "id": "obj-245",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1270.0,
      326.0,
      130.0,
      22.0
     ],
     "text": "beat"
    }
   },
   {
    "box": {
     "id": "obj-246",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1270.0,
      348.0,
      570.0,
      32.0
     ],
     "text": "Device time in s of a beat, and beats per minute: set by tap and by clocks. none: beats begin with the answer (up to 2 of 0 .. 1000000000, or none; none at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-247",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      1405.0,
      326.0,
      135.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "0 120"
    }
   },
   {
    "box": {
     "id": "obj-248",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      1405.0,
      348.0,
      40.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "none"
    }
   },
   {
    "box": {
     "id": "obj-249",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      1620.0,
      326.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/beat"
    }
   },
   {
    "box": {
     "id": "obj-250",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1270.0,
      384.0,
      130.0,
      22.0
     ],
     "text": "sync"
    }
   },
   {
    "box": {
     "id": "obj-251",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1270.0,
      406.0,
      570.0,
      32.0
     ],
     "text": "Whose clock sets tempo and beat while it runs: none, MIDI's, or Ableton Link's (off, midi, link; midi at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-252",
     "maxclass": "umenu",
     "numinlets": 1,
     "numoutlets": 3,
     "patching_rect": [
      1405.0,
      384.0,
      135.0,
      22.0
     ],
     "outlettype": [
      "int",
      "",
      ""
     ],
     "items": [
      "off",
      ",",
      "midi",
      ",",
      "link"
     ],
     "parameter_enable": 0
    }
   },
   {
    "box": {
     "id": "obj-253",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      1620.0,
      384.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/sync"
    }
   },
   {
    "box": {
     "id": "obj-254",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      1550.0,
      384.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend setsymbol"
    }
   },
   {
    "box": {
     "id": "obj-255",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1270.0,
      442.0,
      130.0,
      22.0
     ],
     "text": "grid"
    }
   },
   {
    "box": {
     "id": "obj-256",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1270.0,
      464.0,
      570.0,
      32.0
     ],
     "text": "What notes are drawn to, in parts of a whole note; t: triplets (1/4, 1/8, 1/8t, 1/16, 1/16t, 1/32; 1/16 at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-257",
     "maxclass": "umenu",
     "numinlets": 1,
     "numoutlets": 3,
     "patching_rect": [
      1405.0,
      442.0,
      135.0,
      22.0
     ],
     "outlettype": [
      "int",
      "",
      ""
     ],
     "items": [
      "1/4",
      ",",
      "1/8",
      ",",
      "1/8t",
      ",",
      "1/16",
      ",",
      "1/16t",
      ",",
      "1/32"
     ],
     "parameter_enable": 0
    }
   },
   {
    "box": {
     "id": "obj-258",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      1620.0,
      442.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/grid"
    }
   },
   {
    "box": {
     "id": "obj-259",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      1550.0,
      442.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend setsymbol"
    }
   },
   {
    "box": {
     "id": "obj-260",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1270.0,
      500.0,
      130.0,
      22.0
     ],
     "text": "grid_grip"
    }
   },
   {
    "box": {
     "id": "obj-261",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1270.0,
      522.0,
      570.0,
      32.0
     ],
     "text": "How firmly notes begin on the grid: 0 free, 1 exactly (0 .. 1; 0 at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-262",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      1405.0,
      500.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": 0.0,
     "maximum": 1.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-263",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      1620.0,
      500.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/grid_grip"
    }
   },
   {
    "box": {
     "id": "obj-264",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      1550.0,
      500.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-265",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1270.0,
      558.0,
      130.0,
      22.0
     ],
     "text": "swing"
    }
   },
   {
    "box": {
     "id": "obj-266",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1270.0,
      580.0,
      570.0,
      32.0
     ],
     "text": "Where the second of two lines of the grid falls between the first and the third: 0.5 in the middle (0.5 .. 0.75; 0.5 at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-267",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      1405.0,
      558.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": 0.5,
     "maximum": 0.75,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-268",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      1620.0,
      558.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/swing"
    }
   },
   {
    "box": {
     "id": "obj-269",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      1550.0,
      558.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-270",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1270.0,
      616.0,
      130.0,
      22.0
     ],
     "text": "density"
    }
   },
   {
    "box": {
     "id": "obj-271",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1270.0,
      638.0,
      570.0,
      32.0
     ],
     "text": "How many notes: 1 as many as theirs, 2 twice as many (0.25 .. 4; 1 at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-272",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      1405.0,
      616.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": 0.25,
     "maximum": 4.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-273",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      1620.0,
      616.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/density"
    }
   },
   {
    "box": {
     "id": "obj-274",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      1550.0,
      616.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-275",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1270.0,
      674.0,
      130.0,
      22.0
     ],
     "text": "phrase_length"
    }
   },
   {
    "box": {
     "id": "obj-276",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1270.0,
      696.0,
      570.0,
      32.0
     ],
     "text": "How long it plays between breaths; performer: as long as they do (1 .. 20 s, or performer; performer at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-277",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      1405.0,
      674.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": 0.0,
     "maximum": 20.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-278",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      1480.0,
      674.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "performer"
    }
   },
   {
    "box": {
     "id": "obj-279",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      1620.0,
      674.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/phrase_length"
    }
   },
   {
    "box": {
     "id": "obj-280",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      1550.0,
      674.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-281",
     "maxclass": "panel",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1880.0,
      170.0,
      600.0,
      650.0
     ],
     "background": 1,
     "bgcolor": [
      0.9,
      0.9,
      0.9,
      1.0
     ],
     "mode": 0
    }
   },
   {
    "box": {
     "id": "obj-282",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1890.0,
      178.0,
      200.0,
      22.0
     ],
     "text": "character",
     "fontface": 1,
     "fontsize": 14.0
    }
   },
   {
    "box": {
     "id": "obj-283",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2100.0,
      178.0,
      110.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "r antiphon-from"
    }
   },
   {
    "box": {
     "id": "obj-284",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 11,
     "patching_rect": [
      2220.0,
      178.0,
      240.0,
      22.0
     ],
     "outlettype": [
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      ""
     ],
     "text": "route /antiphon/echo/temperature /antiphon/echo/top_p /antiphon/echo/novelty /antiphon/echo/loudness /antiphon/echo/timbre /antiphon/echo/timbre_x /antiphon/echo/timbre_y /antiphon/echo/store_voice /antiphon/echo/breath /antiphon/echo/brightness"
    }
   },
   {
    "box": {
     "id": "obj-285",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      2350.0,
      792.0,
      110.0,
      22.0
     ],
     "text": "s antiphon-to"
    }
   },
   {
    "box": {
     "id": "obj-286",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1890.0,
      210.0,
      130.0,
      22.0
     ],
     "text": "temperature"
    }
   },
   {
    "box": {
     "id": "obj-287",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1890.0,
      232.0,
      570.0,
      32.0
     ],
     "text": "How adventurous the answer is: low is safe, high is wild (0.1 .. 2; 0.9 at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-288",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      2025.0,
      210.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": 0.1,
     "maximum": 2.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-289",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2240.0,
      210.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/temperature"
    }
   },
   {
    "box": {
     "id": "obj-290",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2170.0,
      210.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-291",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1890.0,
      268.0,
      130.0,
      22.0
     ],
     "text": "top_p"
    }
   },
   {
    "box": {
     "id": "obj-292",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1890.0,
      290.0,
      570.0,
      32.0
     ],
     "text": "Share of the likely notes that may be chosen from: 1 all of them, low only the likeliest (0.05 .. 1; 1 at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-293",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      2025.0,
      268.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": 0.05,
     "maximum": 1.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-294",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2240.0,
      268.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/top_p"
    }
   },
   {
    "box": {
     "id": "obj-295",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2170.0,
      268.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-296",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1890.0,
      326.0,
      130.0,
      22.0
     ],
     "text": "novelty"
    }
   },
   {
    "box": {
     "id": "obj-297",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1890.0,
      348.0,
      570.0,
      32.0
     ],
     "text": "0 repeats the performer's motifs, 1 leaves them (0 .. 1; 0.5 at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-298",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      2025.0,
      326.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": 0.0,
     "maximum": 1.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-299",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2240.0,
      326.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/novelty"
    }
   },
   {
    "box": {
     "id": "obj-300",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2170.0,
      326.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-301",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1890.0,
      384.0,
      130.0,
      22.0
     ],
     "text": "loudness"
    }
   },
   {
    "box": {
     "id": "obj-302",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1890.0,
      406.0,
      570.0,
      32.0
     ],
     "text": "How loudly it sings, against how loudly you did; a soft voice sounds softer, too (-30 .. 12 dB; 0 dB at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-303",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      2025.0,
      384.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": -30.0,
     "maximum": 12.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-304",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2240.0,
      384.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/loudness"
    }
   },
   {
    "box": {
     "id": "obj-305",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2170.0,
      384.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-306",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1890.0,
      442.0,
      130.0,
      22.0
     ],
     "text": "timbre"
    }
   },
   {
    "box": {
     "id": "obj-307",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1890.0,
      464.0,
      570.0,
      32.0
     ],
     "text": "Whose sound: 0 the performer's own, 1 the stored voices' (0 .. 1; 0 at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-308",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      2025.0,
      442.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": 0.0,
     "maximum": 1.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-309",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2240.0,
      442.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/timbre"
    }
   },
   {
    "box": {
     "id": "obj-310",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2170.0,
      442.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-311",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1890.0,
      500.0,
      130.0,
      22.0
     ],
     "text": "timbre_x"
    }
   },
   {
    "box": {
     "id": "obj-312",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1890.0,
      522.0,
      570.0,
      32.0
     ],
     "text": "Which stored voice: 0 the first and third, 1 the second and fourth (0 .. 1; 0 at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-313",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      2025.0,
      500.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": 0.0,
     "maximum": 1.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-314",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2240.0,
      500.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/timbre_x"
    }
   },
   {
    "box": {
     "id": "obj-315",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2170.0,
      500.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-316",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1890.0,
      558.0,
      130.0,
      22.0
     ],
     "text": "timbre_y"
    }
   },
   {
    "box": {
     "id": "obj-317",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1890.0,
      580.0,
      570.0,
      32.0
     ],
     "text": "Which stored voice: 0 the first and second, 1 the third and fourth (0 .. 1; 0 at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-318",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      2025.0,
      558.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": 0.0,
     "maximum": 1.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-319",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2240.0,
      558.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/timbre_y"
    }
   },
   {
    "box": {
     "id": "obj-320",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2170.0,
      558.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-321",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1890.0,
      616.0,
      130.0,
      22.0
     ],
     "text": "store_voice"
    }
   },
   {
    "box": {
     "id": "obj-322",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1890.0,
      638.0,
      570.0,
      32.0
     ],
     "text": "Put the performer's sound, as heard in the last 20 s, in the place of a stored voice (1 .. 4)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-323",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      2025.0,
      616.0,
      22.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "1"
    }
   },
   {
    "box": {
     "id": "obj-324",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      2050.0,
      616.0,
      22.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "2"
    }
   },
   {
    "box": {
     "id": "obj-325",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      2075.0,
      616.0,
      22.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "3"
    }
   },
   {
    "box": {
     "id": "obj-326",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      2100.0,
      616.0,
      22.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "4"
    }
   },
   {
    "box": {
     "id": "obj-327",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2240.0,
      616.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/store_voice"
    }
   },
   {
    "box": {
     "id": "obj-328",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1890.0,
      674.0,
      130.0,
      22.0
     ],
     "text": "breath"
    }
   },
   {
    "box": {
     "id": "obj-329",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1890.0,
      696.0,
      570.0,
      32.0
     ],
     "text": "Level of breath and noise in the voice, against how breathy it was (-30 .. 24 dB; 0 dB at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-330",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      2025.0,
      674.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": -30.0,
     "maximum": 24.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-331",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2240.0,
      674.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/breath"
    }
   },
   {
    "box": {
     "id": "obj-332",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2170.0,
      674.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-333",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1890.0,
      732.0,
      130.0,
      22.0
     ],
     "text": "brightness"
    }
   },
   {
    "box": {
     "id": "obj-334",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      1890.0,
      754.0,
      570.0,
      32.0
     ],
     "text": "Tilt of the voice's spectrum per octave above 500 Hz (-6 .. 6 dB; 0 dB at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-335",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      2025.0,
      732.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": -6.0,
     "maximum": 6.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-336",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2240.0,
      732.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/brightness"
    }
   },
   {
    "box": {
     "id": "obj-337",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2170.0,
      732.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-338",
     "maxclass": "panel",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      2500.0,
      170.0,
      600.0,
      940.0
     ],
     "background": 1,
     "bgcolor": [
      0.9,
      0.9,
      0.9,
      1.0
     ],
     "mode": 0
    }
   },
   {
    "box": {
     "id": "obj-339",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      2510.0,
      178.0,
      200.0,
      22.0
     ],
     "text": "output",
     "fontface": 1,
     "fontsize": 14.0
    }
   },
   {
    "box": {
     "id": "obj-340",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2720.0,
      178.0,
      110.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "r antiphon-from"
    }
   },
   {
    "box": {
     "id": "obj-341",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 16,
     "patching_rect": [
      2840.0,
      178.0,
      240.0,
      22.0
     ],
     "outlettype": [
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      "",
      ""
     ],
     "text": "route /antiphon/echo/dry /antiphon/echo/voice /antiphon/echo/lowpass /antiphon/echo/highpass /antiphon/echo/resonance /antiphon/echo/send/1 /antiphon/echo/send/2 /antiphon/echo/send/3 /antiphon/echo/send/4 /antiphon/echo/send/5 /antiphon/echo/send/6 /antiphon/echo/send/7 /antiphon/echo/send/8 /antiphon/echo/master /antiphon/echo/mute"
    }
   },
   {
    "box": {
     "id": "obj-342",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      2970.0,
      1082.0,
      110.0,
      22.0
     ],
     "text": "s antiphon-to"
    }
   },
   {
    "box": {
     "id": "obj-343",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      2510.0,
      210.0,
      130.0,
      22.0
     ],
     "text": "dry"
    }
   },
   {
    "box": {
     "id": "obj-344",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      2510.0,
      232.0,
      570.0,
      32.0
     ],
     "text": "Gain of the performer's own sound (-80 .. 12 dB, or off; 0 dB at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-345",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      2645.0,
      210.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": -80.0,
     "maximum": 12.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-346",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      2720.0,
      210.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "off"
    }
   },
   {
    "box": {
     "id": "obj-347",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2860.0,
      210.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/dry"
    }
   },
   {
    "box": {
     "id": "obj-348",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2790.0,
      210.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-349",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      2510.0,
      268.0,
      130.0,
      22.0
     ],
     "text": "voice"
    }
   },
   {
    "box": {
     "id": "obj-350",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      2510.0,
      290.0,
      570.0,
      32.0
     ],
     "text": "Gain of the instrument's voice (-80 .. 12 dB, or off; 0 dB at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-351",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      2645.0,
      268.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": -80.0,
     "maximum": 12.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-352",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      2720.0,
      268.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "off"
    }
   },
   {
    "box": {
     "id": "obj-353",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2860.0,
      268.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/voice"
    }
   },
   {
    "box": {
     "id": "obj-354",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2790.0,
      268.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-355",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      2510.0,
      326.0,
      130.0,
      22.0
     ],
     "text": "lowpass"
    }
   },
   {
    "box": {
     "id": "obj-356",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      2510.0,
      348.0,
      570.0,
      32.0
     ],
     "text": "Cutoff of the voice's low-pass filter; 20000 leaves it out (20 .. 20000 Hz; 20000 Hz at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-357",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      2645.0,
      326.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": 20.0,
     "maximum": 20000.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-358",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2860.0,
      326.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/lowpass"
    }
   },
   {
    "box": {
     "id": "obj-359",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2790.0,
      326.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-360",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      2510.0,
      384.0,
      130.0,
      22.0
     ],
     "text": "highpass"
    }
   },
   {
    "box": {
     "id": "obj-361",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      2510.0,
      406.0,
      570.0,
      32.0
     ],
     "text": "Cutoff of the voice's high-pass filter; 20 leaves it out (20 .. 20000 Hz; 20 Hz at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-362",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      2645.0,
      384.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": 20.0,
     "maximum": 20000.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-363",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2860.0,
      384.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/highpass"
    }
   },
   {
    "box": {
     "id": "obj-364",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2790.0,
      384.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-365",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      2510.0,
      442.0,
      130.0,
      22.0
     ],
     "text": "resonance"
    }
   },
   {
    "box": {
     "id": "obj-366",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      2510.0,
      464.0,
      570.0,
      32.0
     ],
     "text": "How much both filters ring at their cutoff (0 .. 1; 0 at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-367",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      2645.0,
      442.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": 0.0,
     "maximum": 1.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-368",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2860.0,
      442.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/resonance"
    }
   },
   {
    "box": {
     "id": "obj-369",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2790.0,
      442.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-370",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      2510.0,
      500.0,
      130.0,
      22.0
     ],
     "text": "send/1"
    }
   },
   {
    "box": {
     "id": "obj-371",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      2510.0,
      522.0,
      570.0,
      32.0
     ],
     "text": "Gain of the voice at output channel 1, before master (-80 .. 12 dB, or off; 0 dB at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-372",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      2645.0,
      500.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": -80.0,
     "maximum": 12.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-373",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      2720.0,
      500.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "off"
    }
   },
   {
    "box": {
     "id": "obj-374",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2860.0,
      500.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/send/1"
    }
   },
   {
    "box": {
     "id": "obj-375",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2790.0,
      500.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-376",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      2510.0,
      558.0,
      130.0,
      22.0
     ],
     "text": "send/2"
    }
   },
   {
    "box": {
     "id": "obj-377",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      2510.0,
      580.0,
      570.0,
      32.0
     ],
     "text": "Gain of the voice at output channel 2, before master (-80 .. 12 dB, or off; 0 dB at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-378",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      2645.0,
      558.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": -80.0,
     "maximum": 12.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-379",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      2720.0,
      558.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "off"
    }
   },
   {
    "box": {
     "id": "obj-380",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2860.0,
      558.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/send/2"
    }
   },
   {
    "box": {
     "id": "obj-381",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2790.0,
      558.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-382",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      2510.0,
      616.0,
      130.0,
      22.0
     ],
     "text": "send/3"
    }
   },
   {
    "box": {
     "id": "obj-383",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      2510.0,
      638.0,
      570.0,
      32.0
     ],
     "text": "Gain of the voice at output channel 3, before master (-80 .. 12 dB, or off; 0 dB at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-384",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      2645.0,
      616.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": -80.0,
     "maximum": 12.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-385",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      2720.0,
      616.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "off"
    }
   },
   {
    "box": {
     "id": "obj-386",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2860.0,
      616.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/send/3"
    }
   },
   {
    "box": {
     "id": "obj-387",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2790.0,
      616.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-388",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      2510.0,
      674.0,
      130.0,
      22.0
     ],
     "text": "send/4"
    }
   },
   {
    "box": {
     "id": "obj-389",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      2510.0,
      696.0,
      570.0,
      32.0
     ],
     "text": "Gain of the voice at output channel 4, before master (-80 .. 12 dB, or off; 0 dB at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-390",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      2645.0,
      674.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": -80.0,
     "maximum": 12.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-391",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      2720.0,
      674.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "off"
    }
   },
   {
    "box": {
     "id": "obj-392",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2860.0,
      674.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/send/4"
    }
   },
   {
    "box": {
     "id": "obj-393",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2790.0,
      674.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-394",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      2510.0,
      732.0,
      130.0,
      22.0
     ],
     "text": "send/5"
    }
   },
   {
    "box": {
     "id": "obj-395",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      2510.0,
      754.0,
      570.0,
      32.0
     ],
     "text": "Gain of the voice at output channel 5, before master (-80 .. 12 dB, or off; 0 dB at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-396",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      2645.0,
      732.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": -80.0,
     "maximum": 12.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-397",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      2720.0,
      732.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "off"
    }
   },
   {
    "box": {
     "id": "obj-398",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2860.0,
      732.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/send/5"
    }
   },
   {
    "box": {
     "id": "obj-399",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2790.0,
      732.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-400",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      2510.0,
      790.0,
      130.0,
      22.0
     ],
     "text": "send/6"
    }
   },
   {
    "box": {
     "id": "obj-401",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      2510.0,
      812.0,
      570.0,
      32.0
     ],
     "text": "Gain of the voice at output channel 6, before master (-80 .. 12 dB, or off; 0 dB at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-402",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      2645.0,
      790.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": -80.0,
     "maximum": 12.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-403",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      2720.0,
      790.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "off"
    }
   },
   {
    "box": {
     "id": "obj-404",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2860.0,
      790.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/send/6"
    }
   },
   {
    "box": {
     "id": "obj-405",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2790.0,
      790.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-406",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      2510.0,
      848.0,
      130.0,
      22.0
     ],
     "text": "send/7"
    }
   },
   {
    "box": {
     "id": "obj-407",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      2510.0,
      870.0,
      570.0,
      32.0
     ],
     "text": "Gain of the voice at output channel 7, before master (-80 .. 12 dB, or off; 0 dB at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-408",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      2645.0,
      848.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": -80.0,
     "maximum": 12.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-409",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      2720.0,
      848.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "off"
    }
   },
   {
    "box": {
     "id": "obj-410",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2860.0,
      848.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/send/7"
    }
   },
   {
    "box": {
     "id": "obj-411",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2790.0,
      848.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-412",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      2510.0,
      906.0,
      130.0,
      22.0
     ],
     "text": "send/8"
    }
   },
   {
    "box": {
     "id": "obj-413",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      2510.0,
      928.0,
      570.0,
      32.0
     ],
     "text": "Gain of the voice at output channel 8, before master (-80 .. 12 dB, or off; 0 dB at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-414",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      2645.0,
      906.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": -80.0,
     "maximum": 12.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-415",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      2720.0,
      906.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "off"
    }
   },
   {
    "box": {
     "id": "obj-416",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2860.0,
      906.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/send/8"
    }
   },
   {
    "box": {
     "id": "obj-417",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2790.0,
      906.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-418",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      2510.0,
      964.0,
      130.0,
      22.0
     ],
     "text": "master"
    }
   },
   {
    "box": {
     "id": "obj-419",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      2510.0,
      986.0,
      570.0,
      32.0
     ],
     "text": "Gain of everything that goes out, before the limiter (-80 .. 12 dB, or off; 0 dB at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-420",
     "maxclass": "flonum",
     "numinlets": 1,
     "numoutlets": 2,
     "patching_rect": [
      2645.0,
      964.0,
      70.0,
      22.0
     ],
     "outlettype": [
      "float",
      "bang"
     ],
     "minimum": -80.0,
     "maximum": 12.0,
     "parameter_enable": 0,
     "format": 6
    }
   },
   {
    "box": {
     "id": "obj-421",
     "maxclass": "message",
     "numinlets": 2,
     "numoutlets": 1,
     "patching_rect": [
      2720.0,
      964.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "off"
    }
   },
   {
    "box": {
     "id": "obj-422",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2860.0,
      964.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/master"
    }
   },
   {
    "box": {
     "id": "obj-423",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2790.0,
      964.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   },
   {
    "box": {
     "id": "obj-424",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      2510.0,
      1022.0,
      130.0,
      22.0
     ],
     "text": "mute"
    }
   },
   {
    "box": {
     "id": "obj-425",
     "maxclass": "comment",
     "numinlets": 1,
     "numoutlets": 0,
     "patching_rect": [
      2510.0,
      1044.0,
      570.0,
      32.0
     ],
     "text": "Silence everything that goes out, while listening goes on (on, off; off at the start)",
     "fontsize": 9.0
    }
   },
   {
    "box": {
     "id": "obj-426",
     "maxclass": "toggle",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2645.0,
      1022.0,
      24.0,
      24.0
     ],
     "outlettype": [
      "int"
     ],
     "parameter_enable": 0
    }
   },
   {
    "box": {
     "id": "obj-427",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2860.0,
      1022.0,
      200.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend /antiphon/mute"
    }
   },
   {
    "box": {
     "id": "obj-428",
     "maxclass": "newobj",
     "numinlets": 1,
     "numoutlets": 1,
     "patching_rect": [
      2790.0,
      1022.0,
      65.0,
      22.0
     ],
     "outlettype": [
      ""
     ],
     "text": "prepend set"
    }
   }
  ],
  "lines": [
   {
    "patchline": {
     "source": [
      "obj-2",
      0
     ],
     "destination": [
      "obj-3",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-5",
      0
     ],
     "destination": [
      "obj-6",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-5",
      1
     ],
     "destination": [
      "obj-7",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-4",
      0
     ],
     "destination": [
      "obj-5",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-5",
      2
     ],
     "destination": [
      "obj-8",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-9",
      0
     ],
     "destination": [
      "obj-10",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-10",
      0
     ],
     "destination": [
      "obj-11",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-12",
      0
     ],
     "destination": [
      "obj-11",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-13",
      0
     ],
     "destination": [
      "obj-11",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-14",
      0
     ],
     "destination": [
      "obj-11",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-15",
      0
     ],
     "destination": [
      "obj-11",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-16",
      0
     ],
     "destination": [
      "obj-11",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-17",
      0
     ],
     "destination": [
      "obj-11",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-18",
      0
     ],
     "destination": [
      "obj-11",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-19",
      0
     ],
     "destination": [
      "obj-11",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-20",
      0
     ],
     "destination": [
      "obj-11",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-23",
      0
     ],
     "destination": [
      "obj-24",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-28",
      1
     ],
     "destination": [
      "obj-29",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-29",
      0
     ],
     "destination": [
      "obj-25",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-24",
      0
     ],
     "destination": [
      "obj-30",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-30",
      0
     ],
     "destination": [
      "obj-28",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-33",
      0
     ],
     "destination": [
      "obj-34",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-34",
      0
     ],
     "destination": [
      "obj-25",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-37",
      0
     ],
     "destination": [
      "obj-38",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-38",
      0
     ],
     "destination": [
      "obj-25",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-24",
      2
     ],
     "destination": [
      "obj-39",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-39",
      0
     ],
     "destination": [
      "obj-37",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-42",
      0
     ],
     "destination": [
      "obj-43",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-43",
      0
     ],
     "destination": [
      "obj-25",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-46",
      0
     ],
     "destination": [
      "obj-47",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-47",
      0
     ],
     "destination": [
      "obj-25",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-50",
      0
     ],
     "destination": [
      "obj-58",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-51",
      0
     ],
     "destination": [
      "obj-58",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-52",
      0
     ],
     "destination": [
      "obj-58",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-53",
      0
     ],
     "destination": [
      "obj-58",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-54",
      0
     ],
     "destination": [
      "obj-58",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-55",
      0
     ],
     "destination": [
      "obj-58",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-56",
      0
     ],
     "destination": [
      "obj-58",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-57",
      0
     ],
     "destination": [
      "obj-58",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-58",
      0
     ],
     "destination": [
      "obj-25",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-61",
      0
     ],
     "destination": [
      "obj-69",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-62",
      0
     ],
     "destination": [
      "obj-69",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-63",
      0
     ],
     "destination": [
      "obj-69",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-64",
      0
     ],
     "destination": [
      "obj-69",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-65",
      0
     ],
     "destination": [
      "obj-69",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-66",
      0
     ],
     "destination": [
      "obj-69",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-67",
      0
     ],
     "destination": [
      "obj-69",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-68",
      0
     ],
     "destination": [
      "obj-69",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-69",
      0
     ],
     "destination": [
      "obj-25",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-72",
      1
     ],
     "destination": [
      "obj-73",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-73",
      0
     ],
     "destination": [
      "obj-25",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-24",
      7
     ],
     "destination": [
      "obj-74",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-74",
      0
     ],
     "destination": [
      "obj-72",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-77",
      0
     ],
     "destination": [
      "obj-78",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-78",
      0
     ],
     "destination": [
      "obj-25",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-24",
      8
     ],
     "destination": [
      "obj-79",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-79",
      0
     ],
     "destination": [
      "obj-77",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-82",
      0
     ],
     "destination": [
      "obj-83",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-83",
      0
     ],
     "destination": [
      "obj-25",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-86",
      0
     ],
     "destination": [
      "obj-87",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-87",
      0
     ],
     "destination": [
      "obj-25",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-24",
      10
     ],
     "destination": [
      "obj-88",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-88",
      0
     ],
     "destination": [
      "obj-86",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-91",
      0
     ],
     "destination": [
      "obj-92",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-92",
      0
     ],
     "destination": [
      "obj-25",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-24",
      11
     ],
     "destination": [
      "obj-93",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-93",
      0
     ],
     "destination": [
      "obj-91",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-96",
      0
     ],
     "destination": [
      "obj-97",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-97",
      0
     ],
     "destination": [
      "obj-25",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-24",
      12
     ],
     "destination": [
      "obj-98",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-98",
      0
     ],
     "destination": [
      "obj-96",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-101",
      0
     ],
     "destination": [
      "obj-102",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-102",
      0
     ],
     "destination": [
      "obj-25",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-24",
      13
     ],
     "destination": [
      "obj-103",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-103",
      0
     ],
     "destination": [
      "obj-101",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-106",
      0
     ],
     "destination": [
      "obj-107",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-107",
      0
     ],
     "destination": [
      "obj-25",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-24",
      14
     ],
     "destination": [
      "obj-108",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-108",
      0
     ],
     "destination": [
      "obj-106",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-111",
      0
     ],
     "destination": [
      "obj-112",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-112",
      0
     ],
     "destination": [
      "obj-25",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-24",
      15
     ],
     "destination": [
      "obj-113",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-113",
      0
     ],
     "destination": [
      "obj-111",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-116",
      0
     ],
     "destination": [
      "obj-118",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-117",
      0
     ],
     "destination": [
      "obj-118",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-118",
      0
     ],
     "destination": [
      "obj-25",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-24",
      16
     ],
     "destination": [
      "obj-119",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-119",
      0
     ],
     "destination": [
      "obj-116",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-122",
      0
     ],
     "destination": [
      "obj-124",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-123",
      0
     ],
     "destination": [
      "obj-124",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-124",
      0
     ],
     "destination": [
      "obj-25",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-24",
      17
     ],
     "destination": [
      "obj-125",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-125",
      0
     ],
     "destination": [
      "obj-122",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-128",
      0
     ],
     "destination": [
      "obj-129",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-129",
      0
     ],
     "destination": [
      "obj-25",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-132",
      0
     ],
     "destination": [
      "obj-133",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-133",
      0
     ],
     "destination": [
      "obj-25",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-24",
      19
     ],
     "destination": [
      "obj-134",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-134",
      0
     ],
     "destination": [
      "obj-132",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-137",
      0
     ],
     "destination": [
      "obj-138",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-138",
      0
     ],
     "destination": [
      "obj-25",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-141",
      0
     ],
     "destination": [
      "obj-142",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-142",
      0
     ],
     "destination": [
      "obj-25",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-145",
      0
     ],
     "destination": [
      "obj-146",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-146",
      0
     ],
     "destination": [
      "obj-25",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-149",
      0
     ],
     "destination": [
      "obj-150",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-150",
      0
     ],
     "destination": [
      "obj-25",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-153",
      0
     ],
     "destination": [
      "obj-154",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-154",
      0
     ],
     "destination": [
      "obj-25",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-157",
      1
     ],
     "destination": [
      "obj-158",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-158",
      0
     ],
     "destination": [
      "obj-25",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-24",
      25
     ],
     "destination": [
      "obj-159",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-159",
      0
     ],
     "destination": [
      "obj-157",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-162",
      0
     ],
     "destination": [
      "obj-163",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-167",
      1
     ],
     "destination": [
      "obj-168",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-168",
      0
     ],
     "destination": [
      "obj-164",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-163",
      0
     ],
     "destination": [
      "obj-169",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-169",
      0
     ],
     "destination": [
      "obj-167",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-172",
      1
     ],
     "destination": [
      "obj-173",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-173",
      0
     ],
     "destination": [
      "obj-164",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-163",
      1
     ],
     "destination": [
      "obj-174",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-174",
      0
     ],
     "destination": [
      "obj-172",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-177",
      0
     ],
     "destination": [
      "obj-179",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-178",
      0
     ],
     "destination": [
      "obj-179",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-179",
      0
     ],
     "destination": [
      "obj-164",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-182",
      0
     ],
     "destination": [
      "obj-183",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-183",
      0
     ],
     "destination": [
      "obj-164",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-163",
      3
     ],
     "destination": [
      "obj-184",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-184",
      0
     ],
     "destination": [
      "obj-182",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-187",
      0
     ],
     "destination": [
      "obj-189",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-188",
      0
     ],
     "destination": [
      "obj-189",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-189",
      0
     ],
     "destination": [
      "obj-164",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-192",
      0
     ],
     "destination": [
      "obj-193",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-193",
      0
     ],
     "destination": [
      "obj-164",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-163",
      5
     ],
     "destination": [
      "obj-194",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-194",
      0
     ],
     "destination": [
      "obj-192",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-197",
      0
     ],
     "destination": [
      "obj-198",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-198",
      0
     ],
     "destination": [
      "obj-164",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-163",
      6
     ],
     "destination": [
      "obj-199",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-199",
      0
     ],
     "destination": [
      "obj-197",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-202",
      0
     ],
     "destination": [
      "obj-203",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-203",
      0
     ],
     "destination": [
      "obj-164",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-163",
      7
     ],
     "destination": [
      "obj-204",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-204",
      0
     ],
     "destination": [
      "obj-202",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-207",
      0
     ],
     "destination": [
      "obj-208",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-208",
      0
     ],
     "destination": [
      "obj-164",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-163",
      8
     ],
     "destination": [
      "obj-209",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-209",
      0
     ],
     "destination": [
      "obj-207",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-212",
      0
     ],
     "destination": [
      "obj-213",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-213",
      0
     ],
     "destination": [
      "obj-164",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-163",
      9
     ],
     "destination": [
      "obj-214",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-214",
      0
     ],
     "destination": [
      "obj-212",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-217",
      1
     ],
     "destination": [
      "obj-218",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-218",
      0
     ],
     "destination": [
      "obj-164",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-163",
      10
     ],
     "destination": [
      "obj-219",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-219",
      0
     ],
     "destination": [
      "obj-217",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-222",
      0
     ],
     "destination": [
      "obj-223",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-223",
      0
     ],
     "destination": [
      "obj-164",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-163",
      11
     ],
     "destination": [
      "obj-224",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-224",
      0
     ],
     "destination": [
      "obj-222",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-227",
      0
     ],
     "destination": [
      "obj-228",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-228",
      0
     ],
     "destination": [
      "obj-164",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-163",
      12
     ],
     "destination": [
      "obj-229",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-229",
      0
     ],
     "destination": [
      "obj-227",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-232",
      0
     ],
     "destination": [
      "obj-233",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-237",
      0
     ],
     "destination": [
      "obj-239",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-238",
      0
     ],
     "destination": [
      "obj-239",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-239",
      0
     ],
     "destination": [
      "obj-234",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-233",
      0
     ],
     "destination": [
      "obj-240",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-240",
      0
     ],
     "destination": [
      "obj-237",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-243",
      0
     ],
     "destination": [
      "obj-244",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-244",
      0
     ],
     "destination": [
      "obj-234",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-247",
      0
     ],
     "destination": [
      "obj-249",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-248",
      0
     ],
     "destination": [
      "obj-249",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-249",
      0
     ],
     "destination": [
      "obj-234",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-252",
      1
     ],
     "destination": [
      "obj-253",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-253",
      0
     ],
     "destination": [
      "obj-234",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-233",
      3
     ],
     "destination": [
      "obj-254",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-254",
      0
     ],
     "destination": [
      "obj-252",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-257",
      1
     ],
     "destination": [
      "obj-258",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-258",
      0
     ],
     "destination": [
      "obj-234",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-233",
      4
     ],
     "destination": [
      "obj-259",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-259",
      0
     ],
     "destination": [
      "obj-257",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-262",
      0
     ],
     "destination": [
      "obj-263",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-263",
      0
     ],
     "destination": [
      "obj-234",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-233",
      5
     ],
     "destination": [
      "obj-264",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-264",
      0
     ],
     "destination": [
      "obj-262",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-267",
      0
     ],
     "destination": [
      "obj-268",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-268",
      0
     ],
     "destination": [
      "obj-234",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-233",
      6
     ],
     "destination": [
      "obj-269",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-269",
      0
     ],
     "destination": [
      "obj-267",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-272",
      0
     ],
     "destination": [
      "obj-273",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-273",
      0
     ],
     "destination": [
      "obj-234",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-233",
      7
     ],
     "destination": [
      "obj-274",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-274",
      0
     ],
     "destination": [
      "obj-272",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-277",
      0
     ],
     "destination": [
      "obj-279",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-278",
      0
     ],
     "destination": [
      "obj-279",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-279",
      0
     ],
     "destination": [
      "obj-234",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-233",
      8
     ],
     "destination": [
      "obj-280",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-280",
      0
     ],
     "destination": [
      "obj-277",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-283",
      0
     ],
     "destination": [
      "obj-284",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-288",
      0
     ],
     "destination": [
      "obj-289",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-289",
      0
     ],
     "destination": [
      "obj-285",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-284",
      0
     ],
     "destination": [
      "obj-290",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-290",
      0
     ],
     "destination": [
      "obj-288",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-293",
      0
     ],
     "destination": [
      "obj-294",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-294",
      0
     ],
     "destination": [
      "obj-285",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-284",
      1
     ],
     "destination": [
      "obj-295",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-295",
      0
     ],
     "destination": [
      "obj-293",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-298",
      0
     ],
     "destination": [
      "obj-299",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-299",
      0
     ],
     "destination": [
      "obj-285",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-284",
      2
     ],
     "destination": [
      "obj-300",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-300",
      0
     ],
     "destination": [
      "obj-298",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-303",
      0
     ],
     "destination": [
      "obj-304",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-304",
      0
     ],
     "destination": [
      "obj-285",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-284",
      3
     ],
     "destination": [
      "obj-305",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-305",
      0
     ],
     "destination": [
      "obj-303",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-308",
      0
     ],
     "destination": [
      "obj-309",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-309",
      0
     ],
     "destination": [
      "obj-285",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-284",
      4
     ],
     "destination": [
      "obj-310",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-310",
      0
     ],
     "destination": [
      "obj-308",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-313",
      0
     ],
     "destination": [
      "obj-314",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-314",
      0
     ],
     "destination": [
      "obj-285",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-284",
      5
     ],
     "destination": [
      "obj-315",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-315",
      0
     ],
     "destination": [
      "obj-313",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-318",
      0
     ],
     "destination": [
      "obj-319",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-319",
      0
     ],
     "destination": [
      "obj-285",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-284",
      6
     ],
     "destination": [
      "obj-320",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-320",
      0
     ],
     "destination": [
      "obj-318",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-323",
      0
     ],
     "destination": [
      "obj-327",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-324",
      0
     ],
     "destination": [
      "obj-327",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-325",
      0
     ],
     "destination": [
      "obj-327",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-326",
      0
     ],
     "destination": [
      "obj-327",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-327",
      0
     ],
     "destination": [
      "obj-285",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-330",
      0
     ],
     "destination": [
      "obj-331",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-331",
      0
     ],
     "destination": [
      "obj-285",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-284",
      8
     ],
     "destination": [
      "obj-332",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-332",
      0
     ],
     "destination": [
      "obj-330",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-335",
      0
     ],
     "destination": [
      "obj-336",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-336",
      0
     ],
     "destination": [
      "obj-285",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-284",
      9
     ],
     "destination": [
      "obj-337",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-337",
      0
     ],
     "destination": [
      "obj-335",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-340",
      0
     ],
     "destination": [
      "obj-341",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-345",
      0
     ],
     "destination": [
      "obj-347",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-346",
      0
     ],
     "destination": [
      "obj-347",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-347",
      0
     ],
     "destination": [
      "obj-342",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-341",
      0
     ],
     "destination": [
      "obj-348",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-348",
      0
     ],
     "destination": [
      "obj-345",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-351",
      0
     ],
     "destination": [
      "obj-353",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-352",
      0
     ],
     "destination": [
      "obj-353",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-353",
      0
     ],
     "destination": [
      "obj-342",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-341",
      1
     ],
     "destination": [
      "obj-354",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-354",
      0
     ],
     "destination": [
      "obj-351",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-357",
      0
     ],
     "destination": [
      "obj-358",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-358",
      0
     ],
     "destination": [
      "obj-342",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-341",
      2
     ],
     "destination": [
      "obj-359",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-359",
      0
     ],
     "destination": [
      "obj-357",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-362",
      0
     ],
     "destination": [
      "obj-363",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-363",
      0
     ],
     "destination": [
      "obj-342",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-341",
      3
     ],
     "destination": [
      "obj-364",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-364",
      0
     ],
     "destination": [
      "obj-362",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-367",
      0
     ],
     "destination": [
      "obj-368",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-368",
      0
     ],
     "destination": [
      "obj-342",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-341",
      4
     ],
     "destination": [
      "obj-369",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-369",
      0
     ],
     "destination": [
      "obj-367",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-372",
      0
     ],
     "destination": [
      "obj-374",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-373",
      0
     ],
     "destination": [
      "obj-374",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-374",
      0
     ],
     "destination": [
      "obj-342",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-341",
      5
     ],
     "destination": [
      "obj-375",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-375",
      0
     ],
     "destination": [
      "obj-372",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-378",
      0
     ],
     "destination": [
      "obj-380",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-379",
      0
     ],
     "destination": [
      "obj-380",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-380",
      0
     ],
     "destination": [
      "obj-342",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-341",
      6
     ],
     "destination": [
      "obj-381",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-381",
      0
     ],
     "destination": [
      "obj-378",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-384",
      0
     ],
     "destination": [
      "obj-386",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-385",
      0
     ],
     "destination": [
      "obj-386",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-386",
      0
     ],
     "destination": [
      "obj-342",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-341",
      7
     ],
     "destination": [
      "obj-387",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-387",
      0
     ],
     "destination": [
      "obj-384",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-390",
      0
     ],
     "destination": [
      "obj-392",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-391",
      0
     ],
     "destination": [
      "obj-392",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-392",
      0
     ],
     "destination": [
      "obj-342",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-341",
      8
     ],
     "destination": [
      "obj-393",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-393",
      0
     ],
     "destination": [
      "obj-390",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-396",
      0
     ],
     "destination": [
      "obj-398",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-397",
      0
     ],
     "destination": [
      "obj-398",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-398",
      0
     ],
     "destination": [
      "obj-342",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-341",
      9
     ],
     "destination": [
      "obj-399",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-399",
      0
     ],
     "destination": [
      "obj-396",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-402",
      0
     ],
     "destination": [
      "obj-404",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-403",
      0
     ],
     "destination": [
      "obj-404",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-404",
      0
     ],
     "destination": [
      "obj-342",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-341",
      10
     ],
     "destination": [
      "obj-405",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-405",
      0
     ],
     "destination": [
      "obj-402",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-408",
      0
     ],
     "destination": [
      "obj-410",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-409",
      0
     ],
     "destination": [
      "obj-410",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-410",
      0
     ],
     "destination": [
      "obj-342",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-341",
      11
     ],
     "destination": [
      "obj-411",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-411",
      0
     ],
     "destination": [
      "obj-408",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-414",
      0
     ],
     "destination": [
      "obj-416",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-415",
      0
     ],
     "destination": [
      "obj-416",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-416",
      0
     ],
     "destination": [
      "obj-342",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-341",
      12
     ],
     "destination": [
      "obj-417",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-417",
      0
     ],
     "destination": [
      "obj-414",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-420",
      0
     ],
     "destination": [
      "obj-422",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-421",
      0
     ],
     "destination": [
      "obj-422",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-422",
      0
     ],
     "destination": [
      "obj-342",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-341",
      13
     ],
     "destination": [
      "obj-423",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-423",
      0
     ],
     "destination": [
      "obj-420",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-426",
      0
     ],
     "destination": [
      "obj-427",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-427",
      0
     ],
     "destination": [
      "obj-342",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-341",
      14
     ],
     "destination": [
      "obj-428",
      0
     ]
    }
   },
   {
    "patchline": {
     "source": [
      "obj-428",
      0
     ],
     "destination": [
      "obj-426",
      0
     ]
    }
   }
  ]
 }
}
