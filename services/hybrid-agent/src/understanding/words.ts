/** English words whose part in a task is known without any rule. */
import { COURTESY } from '@deed/proto/courtesy'

const list = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

/** Words that connect or soften. They carry no instruction, and need no explanation. */
export const FILLERS = list(`
  a an the this that these those my our your its his her their some to of for in on at by with from into onto as and or
  so then now again it them they he she we i you me us is are was were be been being am do does have has had will
  always suddenly constantly
  please just really also too quite still currently actually simply kindly here there up out
  right maybe sort kind bit little quick quickly soon one ones thing things want wants need needs like would let lets
  get got give go going make sure take can could able good ok okay everything something anything
  any what which how many much all`)

/** Words that ask to be told something. They explain themselves where nothing is changed. */
export const REQUESTS_TO_READ = list(`
  tell show see know check look find give display print report confirm verify inform say view inspect glance curious
  wonder wondering question asking ask answer info information list out let quickly whether if could may can when where who`)

/** Words that only point at the type of what is named beside them. */
export const TYPE_WORDS = list(`
  service services server servers process processes app application container deployment daemon instance job target host
  machine system box thing component file files folder directory database db table page site website url repository repo`)

export const COURTESY_WORDS: ReadonlySet<string> = new Set(COURTESY.flat())

/** Not corrected, though one letter makes them another word: what people also say. */
export const COMMON = list(`
  itself himself themselves worry worrying worried worries dream dreaming talk talking wonder wondering think thinking
  true false about above across after against ahead almost alone along already although always among another anyone anything around
  aside asked away back backs badly base based bad because become been before began begin behind being below best better
  between beyond bigger black blue boss both bottom bought bring broken brought build built business busy call called
  calls came card care case cause change changed changes check child class clean clear close closed code cold come comes
  coming common compare cook copy correct cost could count country couple course create cross current customer customers
  daily dance data date dates dead deal dear deep delay design detail details different dinner does dogs doing done door
  down draft draw drive drop each early easy either else email empty enough error errors even evening event events ever
  every exact example explain fact fail failed fails fall family fast father feel field fight fill final find fine finish
  fire first five fixed floor follow food force form former forward found four free fresh friday friend from front full
  fully game garden gave general girl give given glad goes gone grand great green group grow guess half hand hang hangs
  happen happened happens happy hard hate have head hear heard heart heat heavy held hello help here hers high hold holds
  home hope hour hours house however huge human idea important inside instead issue issues item join jump keep keeps kept
  kind knew know known knows land lane large last late later laugh leak leaks learn least leave left less letter level
  life light like line lines link list live lives loads local long longer look looks lose loss lost love lower lunch made
  mail main makes many mark market matter maybe mean means meet memory mess might mind mine minute minutes miss model
  moment monday money month more morning most mother move much music must name names near need nest never next nice night
  nine node none noon normal note nothing notice number offer office often once only open order other others over owner
  page paid paper part parts party pass past path phone pick place plan plane play plus point poor port post price print
  prior problem product prod proper public pull push question quick quiet quite rain ready real reason record red reset
  rest result results return rich ride right ring road room round rule rules runs safe said sale same sand save says
  school seem seems seen self sell send sense sent serve served set seven several shall share shift ship shop short should
  show shown shows shut sick side sign simple since sing site size sleep slow slower small snow some song sooner sort
  sound space speak spend spot stable staff stage stand stands star stats stay stays steal step steps stick stock stone
  stood store story street strong stuck stuff such sudden suit summer sunday sure swap sweet table take taken takes talk
  tank task tasks team teams tell ten term terms than thank that their them then there these they thick thin think third
  this those though three till time times tiny today together told tomorrow tonight took touch tool tools town track trade
  train tree trial tried trip true trust truth turn turned turns twice type under unit until upon used user users uses
  using usual value very view visit voice wait wake walk walks wall want wants warm warn wash waste watch water week weeks
  well went were west what when where which while white whole whom whose wide wife will wind wine wish with within without
  woman wonder wood word words wore work worked works world worse worst worth would wrap write writes wrong wrote yard
  yeah year years yellow yesterday young your yours zero zone feature paint translate describe summarize email refund
  document docs teach learn train rewrite review approve reject deny launch lunch patch batch match reach cache crash
  crashed crashes freeze frozen hung leaking hanging slowly stopped started running restarted updated deleted removed
  startup startups stopping restarting starting starts stops restarts shutdown standby stats state static status strange
  alert alerts alarm alarms pager web traffic heartbeat heartbeats incident incidents outage outages
  testing tested tests test rest best nest west text next log logs dog fog lot lots not note nose host most cost post lost`)

/** Words that are in the sentences of so many rules that they point at none. */
export const SILENT = list(`
  a an the this that these those my our your its his her their to of for in on at by with and or so it me us i we you
  is are was were be been am do does has have will please can could would should not no`)

/** Without its ending: "responding", "responds" and "respond" are equal. */
export function stemOf(word: string): string {
  const stem = /^(.{3,}?)(?:ings?|ed|es|s|e)$/.exec(word)?.[1] ?? word
  // "stopped" and "running" have doubled their last letter.
  return /([bdgmnprt])\1$/.test(stem) && stem.length > 3 ? stem.slice(0, -1) : stem
}
