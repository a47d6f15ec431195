/** Sentences that no rule of any pack means, whatever they name: examples of no intent. */

const THINGS = [
  '__service__',
  '__sql__',
  '__path__',
  '__url__',
  '__nouns__',
  '__name__',
  '__text__',
  'it',
  'everything',
]

/** What people say of things, and Deed cannot do by rules; X is the thing. */
const ABOUT_THINGS = `
paint X blue
sing a song about X
translate X to french
write a poem about X
sell X
buy more X
email X to the boss
tell me a story about X
who wrote X
who owns X
what do you think of X
compare X with the others
refactor X
rewrite X
explain X
document X
teach me X
improve X
optimise X
optimize X
migrate X
upgrade X
design X
estimate the cost of X
schedule a meeting about X
remind me of X tomorrow
X is great
X is slow today
i like X
we love X
thanks for X
X was a good idea
congratulations on X
X looks fine to me
X
approve X
invite X
subscribe to X
cancel the order of X
call X
pay X
vote for X
think about X
worry about X
worrying about X
stop worrying about X
start worrying about X
dreaming of X
talking about X
forget X
why X
the best X
X and X
backup X
encrypt X
compress X
sign X
`

const ANYTHING = `
hello
good morning
how are you
how are you doing
how are things
how is it going
how is life
what is up
who is there
are you there
you there
is anybody there
all good
all fine
all clear
all done
good job
great job
well done
good night
good bye
see you
no problem
no worries
sounds good
looks good
got it
on it
understood
done
nothing to do
i am back
i am here
same here
not now
later
it works
it works now
never again
what a day
what time is it
what day is today
tell me a joke
what is the weather like
sing a song
i am hungry
nice work
never mind
that is all
who are you
how old are you
what is your name
order a pizza
book a flight to paris
play some music
turn off the lights
open the window
what is the meaning of life
summarise the meeting
write an essay
do my homework
i have a question
what is new
lunch at noon
see you tomorrow
let us talk later
the quarterly report is due
our customers are happy
fix everything
do something
make it work
make it better
make it faster
do it
go
yes
no
ok
help
nothing
undo
cancel
again
more
please
clean up
deploy the application
release the new version
train a model
hire somebody
increase the budget
reduce costs
`

const lines = (text: string): string[][] =>
  text
    .trim()
    .split('\n')
    .map((line) => line.split(' '))

export const NO_INTENT: readonly (readonly string[])[] = [
  ...lines(ANYTHING),
  ...lines(ABOUT_THINGS).flatMap((sentence) =>
    // A noun alone asks for its rows.
    THINGS.filter((thing) => sentence.length > 1 || thing !== '__nouns__').map((thing) =>
      sentence.map((word) => (word === 'X' ? thing : word)),
    ),
  ),
]
